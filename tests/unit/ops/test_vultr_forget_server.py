"""`codeb fleet forget --server`: what was done on a server that died, and nothing else, leaves the state."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from codeb.ssh import SshTarget
from ops import cli
from ops.access import Server
from ops.pulumi import Stack
from ops.ssh import Answer, SshError
from ops.vultr import forget, forget_server
from ops.vultr.forget_server import Wanted

TOP = "urn:pulumi:prod::codeb::codeb:platform:Platform$"
COMMAND = "command:remote:Command"


def command(kind: str, parent: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"{TOP}{kind}${COMMAND}::{name}",
        "id": f"{name}-id",
        "type": COMMAND,
        "parent": f"{TOP}{kind}::{parent}",
        **more,
    }


def of(server: str) -> list[dict[str, Any]]:
    """What is done on a server."""
    bundle = f"{TOP}codeb:server:Server${COMMAND}::{server}-bundle"
    return [
        command("codeb:access:Access", server, f"{server}-access"),
        command("codeb:server:Server", server, f"{server}-agent"),
        command("codeb:server:Server", server, f"{server}-bundle"),
        command("codeb:server:Server", server, f"{server}-serving", dependencies=[bundle]),
        command("codeb:project:Project", "shop", f"shop-release-{server}", deletedWith=bundle),
        command("codeb:project:Project", "blog", f"blog-route-{server}", deletedWith=bundle),
    ]


def state(*more: dict[str, Any]) -> dict[str, Any]:
    instance = {
        "urn": "urn::app-3-instance",
        "id": "i",
        "type": "vultr:index/instance:Instance",
        "parent": "urn::app-3",
    }
    # a project whose name looks like another's resource
    odd = command("codeb:project:Project", "shop-release-app-3", "shop-release-app-3-release-app-1")
    resources = [instance, *of("app-3"), *of("app-1"), *of("app-30"), odd, *more]
    return {"version": 3, "deployment": {"resources": resources}}


class Known:
    """The stack; `before` is its state at each look, `restored` what it became."""

    name = "prod"

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.restored: Mapping[str, Any] | None = None

    def export(self) -> dict[str, Any]:
        return self.document

    def restore(self, document: Mapping[str, Any]) -> None:
        self.restored = document


def silent(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
    raise SshError("203.0.113.3: no route to host")


def alive(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
    return Answer(0, {"ok": True})


def done(
    known: Known, server: str = "app-3", ask: Any = silent, confirm: Callable[[], bool] = lambda: True
) -> int:
    return forget_server.forget_server(cast(Stack, known), Path(), Wanted(server), confirm, ask)


@pytest.fixture(autouse=True)
def nothing_real(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Server("app-3", "default", SshTarget("203.0.113.3", 22, "root", "key", "private"))
    monkeypatch.setattr(forget_server, "server_named", lambda *_: there)
    monkeypatch.setattr(forget, "keep", lambda *_: "kept.json")


def names(document: Mapping[str, Any]) -> set[str]:
    return {each["urn"].rpartition("::")[2] for each in document["deployment"]["resources"]}


def test_what_was_done_on_it_goes_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    known = Known(state())
    assert done(known) == 0
    assert known.restored is not None
    gone = names(known.document) - names(known.restored)
    assert gone == {each["urn"].rpartition("::")[2] for each in of("app-3")}
    assert "app-3-instance" in names(known.restored), "the update deletes the machine"
    said = capsys.readouterr().out
    assert "app-3 does not answer: 203.0.113.3: no route to host" in said
    assert "state before: kept.json" in said


def test_a_server_that_answers_is_not_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    known = Known(state())
    assert done(known, ask=alive) == 1
    assert known.restored is None
    assert "app-3 answers" in capsys.readouterr().err


def test_one_that_the_outputs_let_go_of_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forget_server, "server_named", lambda *_: None)
    known = Known(state())
    assert done(known, ask=alive) == 0
    assert "it can't be asked whether it answers" in capsys.readouterr().out


def test_a_data_server_is_not_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = f"{TOP}codeb:server:Server${COMMAND}::app-3-bundle"
    database = {
        "urn": "urn::shop-database",
        "id": "d",
        "type": "postgresql:index/database:Database",
        "deletedWith": bundle,
    }
    known = Known(state(database))
    assert done(known) == 1
    assert known.restored is None
    assert "codeb rebuild server" in capsys.readouterr().err


def test_who_says_no_changes_nothing() -> None:
    known = Known(state())
    assert done(known, confirm=lambda: False) == 1
    assert known.restored is None


def test_a_server_that_is_unknown_is_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    known = Known(state())
    assert done(known, "app-9") == 0
    assert known.restored is None
    assert "nothing that was done" in capsys.readouterr().out


def test_a_state_that_changes_meanwhile_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    known = Known(state())

    def meanwhile() -> bool:
        known.document = state(command("codeb:project:Project", "new", "new-release-app-1"))
        return True

    assert done(known, confirm=meanwhile) == 1
    assert known.restored is None


@pytest.mark.parametrize("arguments", [[], ["ID", "--server", "app-3"]])
def test_either_ids_or_a_server(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((SystemExit, argparse.ArgumentError)) as failure:
        cli.main(["fleet", "forget", *arguments, "--stack", "prod", "--yes"])
    assert getattr(failure.value, "code", 2) == 2
    assert "--server" in capsys.readouterr().err
