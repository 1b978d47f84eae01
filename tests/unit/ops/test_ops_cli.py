"""The command line of `codeb`: what is refused before anything is asked, help that teaches, who is said to have called."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest

from ops import fleet_commands
from ops.arguments import caller
from ops.cli import COMMANDS, main
from ops.command import Command


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["validate", "--colour"],
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
        ["rollback", "shop", "--stack", "live", "--why", "two\nlines"],
        ["rollback", "shop", "--stack", "live", "--why", ""],
        ["status", "shop;", "--stack", "live"],
        ["logs", "shop; reboot", "--stack", "live"],
        ["logs", "--stack", "live"],
        ["logs", "shop", "--stack", "live", "--lines", "10001"],
        ["logs", "shop", "--stack", "live", "--lines", "-1"],
        ["logs", "shop", "--stack", "live", "--lines", "1e3"],
        ["logs", "shop", "--stack", "live", "--lines", "\u0663"],
        ["logs", "shop", "--stack", "live", "--since", "$(reboot)"],
        ["logs", "shop", "--stack", "live", "--until", "tomorrow"],
        ["logs", "shop", "--stack", "live", "--grep", "a\x1b[2J"],
        ["logs", "shop", "--stack", "live", "--grep", "x" * 201],
        ["logs", "shop", "--stack", "live", "--kind", "kernel"],
        ["releases", "../shop", "--stack", "live"],
        ["env", "shop", "--stack", "$(reboot)"],
        ["open", "https://evil.test", "--stack", "live"],
        ["new", "../../etc/cron.d/x"],
        ["new", "shop", "--port", "eighty"],
        ["new", "shop", "--stage", "moon"],
        ["restart", "shop; reboot", "--stack", "live"],
        ["restart", "shop", "--stack", "live", "--why", "\x1b[2J"],
        ["cost"],
        ["cost", "--stack", "../live"],
        ["completion", "sh; reboot"],
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
        main(arguments)
    assert stopped.value.code == 2


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_teaches(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command.name, "--help"])
    assert command.details in capsys.readouterr().out


def test_a_stack_that_is_not_there_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["rollback", "shop", "--stack", "nothing"]) == 1
    assert "error: Pulumi.nothing.yaml: can't be read" in capsys.readouterr().err
    assert main(["status", "--stack", "nothing", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_caller_is_short_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann; rm -rf / \n\x1b[2J" + "x" * 200)
    assert re.fullmatch(r"[A-Za-z0-9._@-]{1,80}", caller())
    monkeypatch.setenv("LOGNAME", "ann")
    assert caller().startswith("ann@")


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("yes", True), (" yes ", True), ("y", False), ("", False), (None, False)]
)
def test_only_yes_is_yes_and_an_ended_input_is_no(
    answer: str | None, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None: the input ends (Ctrl-D)."""

    def said(_question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", said)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asks = fleet_commands._confirm(Namespace(yes=False))
    assert asks() == goes_on
