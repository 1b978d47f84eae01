"""Plugins and `ssh` that reach nothing: what they answer is what the platform's program takes from real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codeb.live import gather
from codeb.registry import latest, with_release
from components.project import RELEASE
from components.server import APPLY, INSTALL_AGENT
from lab.bench import nowhere
from lab.bench.null import FAILS, LOG, Null, agent_answer, released
from lab.providers import factory
from lab.providers.protocol import ProviderError, State
from lab.providers.values import contains_unknown

DOCUMENT = {"project": "shop", "image": "registry.bench.test/shop:1"}
PLANNED = {"id": "shop", "maintenance": False, "image": "registry.bench.test/shop:1", "servers": ["one"]}
SERVICE_ACCOUNT = "minio:index/iamServiceAccount:IamServiceAccount"
COMMAND = "command:remote:Command"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:bench::codeb::{type_}::{name}"


def create(type_: str, name: str, inputs: Mapping[str, Any]) -> State:
    provider = Null(factory(type_.partition(":")[0], "1.0.0"))
    checked = provider.check(type_, urn(type_, name), {}, inputs, b"")
    assert not checked.failures
    return provider.create(type_, urn(type_, name), checked.inputs)


def test_commands_are_noted_and_fail_where_they_are_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    command = {
        "connection": {"host": "192.0.2.1"},
        "create": "codeb-agent join\n# on here",
        "delete": "codeb-agent leave",
    }
    create(COMMAND, "app-1-serving", command)
    assert not log.exists(), "nobody asked for it"
    monkeypatch.setenv(LOG, str(log))
    made = create(COMMAND, "app-1-serving", command)
    create(SERVICE_ACCOUNT, "shop-keys", {"targetUser": "root", "policy": "{}"})
    Null(factory("command", "1.0.0")).delete(
        COMMAND, urn(COMMAND, "app-1-serving"), made.id, command, made.outputs
    )
    noted = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(each["did"], each["name"], each["line"]) for each in noted] == [
        ("create", "app-1-serving", "codeb-agent join"),
        ("delete", "app-1-serving", "codeb-agent leave"),
    ]
    monkeypatch.setenv(FAILS, "app-2-serving")
    create(COMMAND, "app-1-serving", command)
    with pytest.raises(ProviderError):
        create(COMMAND, "app-2-serving", command)


def test_nothing_that_was_made_is_unknown() -> None:
    made = create(SERVICE_ACCOUNT, "shop-keys", {"targetUser": "root", "policy": "{}"})
    assert made.id
    assert not contains_unknown(made.outputs)
    assert len(made.outputs["secretKey"]) == 40


def test_a_release_command_answers_for_the_document_on_its_standard_input() -> None:
    inputs = {"connection": {"host": "192.0.2.1"}, "create": RELEASE, "stdin": json.dumps(DOCUMENT)}
    made = create(COMMAND, "shop-release-one", inputs)
    assert json.loads(made.outputs["stdout"])["project"] == "shop"
    assert made.outputs["stderr"] == ""


def test_another_document_gets_another_answer() -> None:
    provider = Null(factory("command", "1.0.0"))
    before = {"connection": {"host": "192.0.2.1"}, "create": RELEASE, "stdin": json.dumps(DOCUMENT)}
    after = before | {"stdin": json.dumps(DOCUMENT | {"image": "registry.bench.test/shop:2"})}
    name = urn(COMMAND, "shop-release-one")
    made = provider.create(COMMAND, name, before)
    changed = provider.update(COMMAND, name, made.id, before, made.outputs, after)
    assert json.loads(changed.outputs["stdout"])["image"] == "registry.bench.test/shop:2"


@pytest.mark.parametrize("command", [APPLY, INSTALL_AGENT])
def test_a_server_s_commands_go_well(command: str) -> None:
    assert json.loads(agent_answer({"create": command, "stdin": "anything"}))["ok"] is True


def test_a_command_that_is_no_agent_s_says_nothing() -> None:
    assert agent_answer({"create": "true"}) == ""


def test_the_registry_takes_a_release_s_answer() -> None:
    assert with_release(PLANNED, released(DOCUMENT))["status"] == "running"


def test_what_the_agents_say_later_is_what_the_registry_knows() -> None:
    entry = with_release(PLANNED, released(DOCUMENT))
    answer = nowhere.status("one", {"projects": {"shop": entry}})
    live = gather({"one": answer}, {})
    status = live.of("shop", ["one"])
    assert status is not None
    assert latest(entry, None, status) == entry


def ssh(folder: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        nowhere.main([str(folder), *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_forward_is_open_at_once(tmp_path: Path) -> None:
    assert ssh(tmp_path, "-L127.0.0.1:1:127.0.0.1:2", "-f", "--", "192.0.2.1", "true") == 0


def test_an_agent_answers_from_its_file_and_is_out_of_reach_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ("-p", "22", "--", "192.0.2.1", "codeb-agent status")
    assert ssh(tmp_path, *line) == nowhere.UNREACHABLE
    registry = {"projects": {"shop": with_release(PLANNED, released(DOCUMENT))}}
    nowhere.write_answers(tmp_path, {"servers": {"one": {"address": "192.0.2.1"}}, "registry": registry})
    assert ssh(tmp_path, *line) == 0
    assert json.loads(capsys.readouterr().out)["projects"][0]["project"] == "shop"
