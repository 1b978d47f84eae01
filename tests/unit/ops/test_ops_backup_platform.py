"""`codeb backup platform`: who is asked for what, what is said, and exit statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops import backup_commands
from ops.access import Server
from ops.backup_platform import platform
from ops.pulumi import PulumiError
from ops.ssh import Answer, SshError

WEB = server(1)
DATA = Server("db1", "default", server(2).target, holds_data=True)
STATE = {"version": 3, "deployment": {"resources": []}}
MADE = {
    "ok": True, "id": "20261124T170000Z-00aa", "at": "2026-11-24T17:00:00Z", "bytes": 123_456, "state": True,
    "servers": [WEB.name], "stores": ["here", "second"], "problem": "", "pruned": [],
}  # fmt: skip


class Servers:
    """Answers by verb; notes what was asked of whom."""

    def __init__(self, **answers: Answer | SshError) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    def __call__(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        self.asked.append((target.address, verb, document))
        answer = self.answers[verb]
        if isinstance(answer, SshError):
            raise answer
        return answer


def run(servers: Servers) -> Any:
    return platform(lambda: STATE, [WEB, DATA], servers, 60, "ann")


def test_the_state_and_what_others_have_go_to_the_data_server() -> None:
    servers = Servers(belongings=Answer(0, {"ok": True, "tar": "eA=="}), platform=Answer(0, MADE))
    result = run(servers)
    assert result.ok
    assert result.lines == (
        f"platform: 20261124T170000Z-00aa, 123 kB, with the stack's state and what {WEB.name} have, in here and second",
    )
    first, (address, verb, document) = servers.asked
    assert first == ("10.0.0.1", "belongings", {"version": 1})
    assert (address, verb) == ("10.0.0.2", "platform")
    assert json.loads(document["state"]) == STATE
    assert (document["parts"], document["wait_s"], document["by"]) == ({WEB.name: "eA=="}, 60, "ann")


def test_a_server_that_can_not_be_asked_is_left_out_and_said() -> None:
    servers = Servers(
        belongings=SshError("web1: no route\x1b[2J"), platform=Answer(0, {**MADE, "servers": []})
    )
    result = run(servers)
    assert not result.ok
    (line,) = result.problems
    assert line.startswith(f"{WEB.name}: what it has is not in it: web1: no route")
    assert "\x1b" not in line
    assert servers.asked[-1][2]["parts"] == {}


def test_a_copy_that_is_missing_is_said() -> None:
    found = {**MADE, "ok": False, "stores": ["here"], "problem": "not in second: gave no answer in time"}
    result = run(Servers(belongings=Answer(0, {"ok": True, "tar": "eA=="}), platform=Answer(1, found)))
    assert not result.ok
    assert result.problems == ("platform: not in second: gave no answer in time",)


def test_what_stands_in_the_way_is_said_and_nobody_is_asked() -> None:
    servers = Servers()

    def refused() -> Mapping[str, Any]:
        raise PulumiError("`pulumi stack export` failed: no stack named prod")

    result = platform(refused, [DATA], servers, 0, "ann")
    assert not result.ok
    assert "no stack named prod" in result.problems[0]
    assert servers.asked == []
    assert not platform(lambda: STATE, [WEB], servers, 0, "ann").ok


def test_an_agent_that_fails_fails_the_command() -> None:
    failed = {"ok": False, "phase": "lock", "cause": "backup by timer has been running", "remedy": "wait"}
    result = run(Servers(belongings=Answer(0, {"ok": True, "tar": "eA=="}), platform=Answer(1, failed)))
    assert not result.ok
    assert "backup by timer has been running" in result.problems[0]


def test_no_project_can_have_the_name() -> None:
    from codeb.model.types import RESERVED_STEMS

    assert backup_commands.PLATFORM in RESERVED_STEMS


@pytest.mark.parametrize("extra", [["--all"]])
def test_platform_and_all_are_two_things(extra: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from ops import cli

    assert cli.main(["backup", "platform", "--stack", "dev", *extra]) == 1
    assert "name a project, or say --all" in capsys.readouterr().err
