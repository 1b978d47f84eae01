"""A release that nobody waits for any more, and one that was killed: put back, and in the history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.verbs import JOB, V1, V2, V3, back, call, fails, new_host, run, serves

SERVICE = "codeb-shop-app-job.service"
CANARY = {"steps": [5, 50], "wait_ms": 60_000, "max_error_percent": 5}


@pytest.fixture
def host() -> FakeHost:
    host = new_host()
    run(host)
    return host


def history(host: FakeHost) -> list[dict[str, Any]]:
    """As `status` tells it, newest first."""
    found: list[dict[str, Any]] = call(host.ports(), "status")[1]["projects"][0]["history"]
    return found


@pytest.mark.parametrize(
    ("word", "phase", "said"),
    [
        ("pull", "pull", "interrupted: the session has ended"),
        ("daemon-reload", "cache", "interrupted: the session has ended"),
        (SERVICE, "job", "interrupted: the session has ended; the release command was stopped (SIGTERM)"),
        ("codeb-shop-app-green.service", "prepare", "interrupted"),
    ],
)
def test_a_release_that_nobody_waits_for_is_put_back_and_told(
    host: FakeHost, word: str, phase: str, said: str
) -> None:
    host.leaves_at = word
    failure = fails(host, V2, job=JOB).failure
    assert said in failure.cause
    assert (failure.phase, serves(host)) == (phase, V1)
    assert SERVICE not in host.systemd.running
    newest = history(host)[0]
    assert (newest["outcome"], newest["image"], newest["by"]) == ("interrupted", V2, "tester")
    assert newest["cause"] == f"{failure.phase}: {failure.cause}"
    host.leaves_at = host.gone = ""
    assert run(host, V2, job=JOB)["active"] == "green"


def test_a_canary_that_nobody_watches_ends(host: FakeHost) -> None:
    host.after = lambda: setattr(
        host, "gone", "x" if host.tell("/etc/caddy/canaries/shop-app.weight") == "50" else ""
    )
    failure = fails(host, V2, canary=CANARY).failure
    assert (failure.phase, serves(host)) == ("canary", V1)
    assert host.tell("/etc/caddy/canaries/shop-app.weight") in (None, "0")


def test_once_users_are_sent_to_it_a_release_goes_to_its_end(host: FakeHost) -> None:
    green = "127.0.0.1:3002"
    host.after = lambda: setattr(
        host, "gone", "x" if host.tell("/etc/caddy/upstreams/shop-app") == green else ""
    )
    assert run(host, V2)["active"] == "green"
    assert history(host)[0]["outcome"] == "released"


def test_a_rollback_goes_to_its_end(host: FakeHost) -> None:
    run(host, V2)
    host.advance(3601)
    host.gone = "the session has ended"
    assert back(host)["active"] == "blue"


def test_a_release_that_was_killed_is_in_the_history_once(host: FakeHost) -> None:
    host.kill_at = host.operations + 25
    with pytest.raises(Killed):
        run(host, V2, job=JOB)
    assert "/var/lib/codeb/projects/shop-app.undo" in host.files
    host.kill_at, host.held = 0, set()
    run(host, V3)
    newest, killed, first = history(host)
    assert (newest["outcome"], newest["id"]) == ("released", "r3")
    assert (killed["outcome"], killed["id"], killed["image"], killed["by"]) == (
        "interrupted",
        "r2",
        V2,
        "tester",
    )
    assert killed["at"] == "2026-11-23T04:00:02Z"
    assert "killed or the host went down" in killed["cause"]
    assert first["id"] == "r1"
    assert [json.loads(line)["id"] for line in str(host.tell("/var/log/codeb/audit.log")).splitlines()] == [
        "r1",
        "r2",
        "r3",
    ]


def test_an_undo_file_of_an_older_agent_is_put_back_all_the_same(host: FakeHost) -> None:
    host.kill_at = host.operations + 25
    with pytest.raises(Killed):
        run(host, V2, job=JOB)
    host.kill_at, host.held = 0, set()
    path = "/var/lib/codeb/projects/shop-app.undo"
    document = json.loads(str(host.tell(path)))
    del document["attempt"]
    host.put(path, json.dumps(document), 0o600)
    run(host, V1)
    assert [past["outcome"] for past in history(host)] == ["interrupted", "released"]
