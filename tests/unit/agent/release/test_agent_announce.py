"""Who is told of a release: one message a webhook at each turn, and never a release that fails for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V2, V3, back, fails, new_host, run, serves

CONFIG = "/etc/codeb/secrets/notify.json"
OUTBOX = "/var/lib/codeb/outbox/"
TARGETS = {
    "version": 1,
    "stack": "dev",
    "webhooks": [{"kind": "generic", "url": "https://hooks.example.com/secret-path"}],
    "sentry": {"url": "https://sentry.example.com", "organization": "leo", "token": "sentry-token-value"},
}


@pytest.fixture
def host() -> FakeHost:
    host = new_host()
    run(host)
    host.put(CONFIG, json.dumps(TARGETS), 0o600)
    return host


def posts(host: FakeHost) -> list[dict[str, Any]]:
    """The bodies of all messages that wait, in order."""
    names = sorted(path for path in host.files if path.startswith(OUTBOX))
    return [post["body"] for name in names for post in json.loads(str(host.tell(name)))["posts"]]


def events(host: FakeHost) -> list[str]:
    return [body["event"] for body in posts(host) if "event" in body]


def test_a_release_tells_its_start_and_its_success(host: FakeHost) -> None:
    run(host, V2)
    assert events(host) == ["started", "succeeded"]
    last = posts(host)[-1]
    assert (last["release"], last["image"], last["by"], last["stack"]) == ("r2", V2, "tester", "dev")
    assert last["digest"].startswith("sha256:")


def test_the_same_release_and_a_changed_site_tell_nothing(host: FakeHost) -> None:
    run(host)
    run(host, site="shop-app.lab.test {\n# other\n}\n")
    assert events(host) == []


def test_a_failure_tells_phase_cause_and_what_serves_without_secrets(host: FakeHost) -> None:
    host.podman.registry[V3] = App(crashes=True)
    fails(host, V3)
    assert events(host) == ["started", "failed"]
    last = posts(host)[-1]
    assert (last["phase"], last["release"]) == ("health", "r2")
    assert "exit code 3" in last["cause"]
    assert "blue" in last["put_back"]
    assert "hunter2" not in json.dumps(posts(host))


def test_a_release_that_is_taken_up_again_is_told_once(host: FakeHost) -> None:
    run(host, V2)
    run(host)
    assert events(host) == ["started", "succeeded"] * 2


def test_a_missing_image_is_told_too(host: FakeHost) -> None:
    fails(host, "reg.lab:5000/shop:none")
    assert posts(host)[-1]["phase"] == "pull"


def test_a_rollback_tells_that_it_is_one_and_why(host: FakeHost) -> None:
    run(host, V2)
    back(host, by="ann")
    assert events(host)[-1] == "rolled-back"
    assert posts(host)[-1]["cause"] == f"rolled back from r2 ({V2}) by ann"


def test_sentry_is_told_of_a_release_that_serves_when_the_project_has_it(host: FakeHost) -> None:
    run(host, V2, sentry_project="shop", stage="staging")
    bodies = posts(host)
    assert {"version": "shop-app@2", "projects": ["shop"]}.items() <= bodies[-2].items()
    assert bodies[-1]["environment"] == "staging"
    assert "sentry-token-value" not in json.dumps(bodies)


def test_a_webhook_file_that_cannot_be_read_fails_no_release(host: FakeHost) -> None:
    host.put(CONFIG, "{broken", 0o600)
    run(host, V2)
    assert serves(host) == V2
    assert any("nobody is told" in line for line in host.journal)


def test_without_webhooks_nothing_waits() -> None:
    host = new_host()
    run(host)
    run(host, V2)
    assert not [path for path in host.files if path.startswith(OUTBOX)]
