"""The command line: usage, failures and defects, each on both outputs."""

from __future__ import annotations

import json

import pytest

from agent.cli import VERBS, main
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, call, new_host


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def test_wrong_usage_is_told_apart_from_failure(host: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["destroy"]) == 2
    assert "usage: codeb-agent apply|release" in capsys.readouterr().err
    assert call(host.ports(), "release", "{not json")[0] == 2
    assert call(host.ports(), "release", [1])[0] == 2
    code, answer, err = call(host.ports(), "release", {"project": "x"})
    assert (code, answer["ok"]) == (2, False)
    assert "nothing was touched" in err


def test_a_failure_is_said_on_both_outputs(host: FakeHost) -> None:
    host.podman.registry[V1] = App(status=500)
    code, answer, err = call(host.ports(), "release", release_document(V1))
    assert (code, answer["phase"]) == (1, "health")
    for part in (answer["cause"], answer["put_back"], answer["remedy"], *answer["log"]):
        assert part in err
    assert set(answer) == {"ok", "phase", "cause", "put_back", "remedy", "log"}


def test_a_defect_shows_its_place_and_no_value(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise ValueError("the password is hunter2-hunter2")

    monkeypatch.setattr("agent.release.drive.release", broken)
    code, answer, err = call(host.ports(), "release", release_document(V1))
    assert (code, "ValueError at test_agent_cli.py" in answer["cause"]) == (1, True)
    assert "hunter2" not in err + json.dumps(answer)


def test_every_verb_is_there(host: FakeHost) -> None:
    verbs = {"apply", "release", "rollback", "remove", "status", "doctor", "retire", "version", "precompile"}
    others = {
        "route",
        "unroute",
        "notify",
        "note",
        "deliver",
        "certificates",
        "session",
        "logs",
        "environment",
        "restart",
        "backup",
        "backups",
        "prune",
        "restore",
        "restore-undo",
        "prove",
        "final",
        "ship",
        "base",
        "platform",
        "belongings",
        "upgrade",
        "rebuild",
        "settle",
        "join",
        "leave",
        "metrics",
        "ask",
        "move",
        "empty-cache",
        "copy-objects",
    }
    assert set(VERBS) == verbs | others
    assert call(host.ports(), "version")[0] == 0


def test_a_defect_at_a_terminal_shows_its_place_and_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise ValueError("the password is hunter2-hunter2")

    monkeypatch.setattr("agent.sessions.attach.attach", broken)
    assert main(["attach", "0" * 32]) == 1
    err = capsys.readouterr().err
    assert "ValueError at test_agent_cli.py" in err
    assert "hunter2" not in err
