"""The verb `status`: which release serves, why, what stands by and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.ports import Result
from agent.release import undo
from agent.report.status import status
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, V2, V3, back, call, new_host, run


def entry(host: FakeHost, project: str = "shop-app") -> dict[str, Any]:
    projects: Any = status(host.ports(), Reader({"project": project}, ""), "tester")["projects"]
    found: dict[str, Any] = projects[0]
    return found


def test_a_first_release_has_nothing_before_it() -> None:
    host = new_host()
    answer = run(host, V1)
    found = entry(host)
    assert found["release"] == answer["release"]
    assert found["release"]["why"] == "released"
    assert (found["previous"], found["withdrawn"], found["standby_until"]) == (None, None, None)
    assert (found["status"], found["maintenance"]) == ("healthy", False)
    assert found["container_id"] == answer["container_id"]


def test_the_standby_is_named_with_the_moment_at_which_it_ends() -> None:
    host = new_host()
    run(host, V1)
    run(host, V2, standby_minutes=60)
    found = entry(host)
    assert (found["previous"]["image"], found["standby"]) == (V1, True)
    assert found["standby_until"].startswith("2026-11-23T05:0")
    host.advance(3601)
    found = entry(host)
    assert (found["standby"], found["standby_until"], found["previous"]["image"]) == (False, None, V1)


def test_a_rollback_says_what_was_withdrawn_and_that_nothing_earlier_is_left() -> None:
    host = new_host()
    run(host, V1)
    run(host, V2)
    back(host, by="ann@laptop")
    found = entry(host)
    assert found["image"] == V1
    assert found["release"]["why"] == f"rolled back from r2 ({V2}) by ann@laptop"
    assert (found["withdrawn"]["id"], found["withdrawn"]["image"], found["previous"]) == ("r2", V2, None)
    assert [past["id"] for past in found["history"]] == ["r3", "r2", "r1"]


def test_a_release_that_failed_is_in_the_history_and_changes_nothing_else() -> None:
    host = new_host()
    run(host, V1)
    del host.podman.registry[V3]
    with pytest.raises(Failed):
        run(host, V3)
    found = entry(host)
    assert (found["image"], found["previous"]) == (V1, None)
    assert found["history"][0]["outcome"] == "failed"
    assert "manifest unknown" in found["history"][0]["cause"]


def test_maintenance_is_said() -> None:
    host = new_host()
    run(host, V1)
    host.put("/etc/caddy/maintenance/shop-app.html", "<p>soon</p>")
    assert entry(host)["maintenance"] is True


def test_a_systemd_that_answers_nonsense_costs_the_standby_s_end_only() -> None:
    host = new_host()
    run(host, V1)
    run(host, V2)
    host.answers[" ".join(commands.STANDBY_TIMERS)] = Result(0, out="not JSON")
    host.answers[" ".join(commands.RUNNING_SERVICES)] = Result(1, err="no bus")
    found = entry(host)
    assert (found["status"], found["image"], found["standby"]) == ("healthy", V2, False)


def test_status_shows_every_project() -> None:
    host = new_host()
    call(host.ports(), "release", release_document(V1))
    call(host.ports(), "release", release_document(V2))
    (entry,) = call(host.ports(), "status")[1]["projects"]
    assert (entry["active"], entry["status"], entry["standby"], entry["image"]) == (
        "green",
        "healthy",
        True,
        V2,
    )
    assert [past["outcome"] for past in entry["history"]] == ["released", "released"]
    (unknown,) = call(host.ports(), "status", {"project": "nobody"})[1]["projects"]
    assert unknown["status"] == "unknown"


LOCK = "/var/lib/codeb/projects/shop-app.lock"


def test_a_release_under_way_is_said_with_the_moment_it_began_and_not_as_interrupted() -> None:
    host = new_host()
    run(host, V1)
    host.put("/var/lib/codeb/projects/shop-app.undo", "{}")
    host.held.add(LOCK)
    found = entry(host)
    assert (found["working_since"], found["unfinished"]) == ("2026-11-23T04:00:00Z", False)
    host.held.clear()
    found = entry(host)
    assert (found["working_since"], found["unfinished"]) == (None, True)


def test_a_release_that_ends_while_it_is_looked_at_was_not_interrupted() -> None:
    host = new_host()
    run(host, V1)
    host.put(paths.undo("shop-app"), "{}")
    ports = host.ports()

    class Ending(type(ports.files)):  # type: ignore[misc]
        def held_since(self, path: str) -> float | None:
            host.files.pop(paths.undo("shop-app"), None)
            return None

    assert undo.interrupted(replace(ports, files=Ending(host)), "shop-app") is False
