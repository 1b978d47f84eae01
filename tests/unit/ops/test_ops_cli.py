"""The commands' own line: what is refused before anything is asked, and who is said to have called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codeb.cli import COMMANDS, Command, main
from ops import cli

ALL = (*COMMANDS, *cli.COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollback", "shop; reboot", "--stack", "live"],
        ["rollback", "$(reboot)", "--stack", "live"],
        ["rollback", "../../etc/passwd", "--stack", "live"],
        ["rollback", "-oProxyCommand=x", "--stack", "live"],
        ["rollback", "Shop", "--stack", "live"],
        ["rollback", "shop\n", "--stack", "live"],
        ["rollback", "s", "--stack", "live"],
        ["rollback", "shop", "--stack", "../live"],
        ["rollback", "shop", "--stack", "-live"],
        ["rollback", "shop"],
        ["rollback", "--stack", "live"],
        ["status", "shop;", "--stack", "live"],
        ["notify", "shop", "--stack", "live", "--event", "reboot", "--text", "x"],
        ["notify", "shop", "--stack", "live", "--event", "approval-wanted", "--text", ""],
        [
            "notify",
            "shop",
            "--stack",
            "live",
            "--event",
            "approval-wanted",
            "--text",
            "x",
            "--url",
            "file:///etc",
        ],
        [
            "notify",
            "shop",
            "--stack",
            "live",
            "--event",
            "approval-wanted",
            "--text",
            "x",
            "--url",
            "https://a b",
        ],
    ],
)
def test_hostile_and_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments, ALL)
    assert stopped.value.code == 2


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_help_teaches(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command.name, "--help"], ALL)
    assert command.details in capsys.readouterr().out


def test_a_stack_that_is_not_there_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["rollback", "shop", "--stack", "nothing"], ALL) == 1
    assert "error: Pulumi.nothing.yaml: can't be read" in capsys.readouterr().err
    assert main(["status", "--stack", "nothing", "--json"], ALL) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_caller_is_short_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann; rm -rf / \n\x1b[2J" + "x" * 200)
    assert re.fullmatch(r"[A-Za-z0-9._@-]{1,80}", cli.caller())
    monkeypatch.setenv("LOGNAME", "ann")
    assert cli.caller().startswith("ann@")
