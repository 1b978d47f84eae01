"""`codeb logs` from the command line: what is printed as it comes, and with which exit status it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ops_servers import server
from ops_telling import ANSWER, Tellers, Telling, line

from ops.cli import main

LIVE = {"live": True}


@pytest.fixture
def tellers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tellers]:
    """Two servers: one that goes on telling, one that does not answer."""
    told = Tellers({1: Telling([line(1, "a"), LIVE, ANSWER]), 2: Telling([], "Connection refused")})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ops.access.app_servers", lambda *_, **__: (server(1), server(2)))
    monkeypatch.setattr("ops.ssh.tell", told.tell)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)


def logs(*arguments: str) -> int:
    return main(["logs", "shop", "--stack", "live", *arguments])


def test_lines_and_silent_servers_are_said_as_they_come(
    tellers: Tellers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert logs("-f") == 1, "all servers have ended"
    out, err = capsys.readouterr()
    assert out == "2026-11-27 12:00:01.000  app1  app         a\n"
    assert err == "app2: Connection refused\n"
    assert tellers.sent[0]["follow"] is True


def test_programs_get_a_document_a_line(tellers: Tellers, capsys: pytest.CaptureFixture[str]) -> None:
    logs("-f", "--json", "--server", "app1")
    assert json.loads(capsys.readouterr().out) == {"server": "app1", **line(1, "a")}
    assert len(tellers.sent) == 1


def test_without_following_a_result_is_shown(tellers: Tellers, capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("--since", "10m", "--kind", "app", "--kind", "audit", "--kind", "app") == 1
    assert tellers.sent[0]["since"] == "600"
    assert tellers.sent[0]["kinds"] == ["app", "audit"]
    assert "app2: Connection refused" in capsys.readouterr().err
    assert logs("--server", "app1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["text"] == "a"


def test_what_makes_no_sense_is_told(tellers: Tellers, capsys: pytest.CaptureFixture[str]) -> None:
    assert logs("-f", "--until", "10m") == 2
    assert logs("--server", "app9") == 1
    assert "has no server 'app9': it has app1, app2" in capsys.readouterr().err
    assert tellers.sent == []


class Interrupted(Telling):
    """A server that is told goodbye while it tells: a signal comes."""

    def __init__(self, number: int) -> None:
        super().__init__([LIVE], goes_on=True)
        self.number = number

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        os.kill(os.getpid(), self.number)
        yield from super().__iter__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_logs_out_of_all_servers_before_it_ends_the_command(tellers: Tellers, number: int) -> None:
    tellers.tellings = {1: Telling([LIVE], goes_on=True), 2: Interrupted(number)}
    with pytest.raises(SystemExit) as ended:
        logs("-f")
    assert ended.value.code == 128 + number
    assert sorted(tellers.left) == [1, 2]


def test_ctrl_c_logs_out_of_all_servers(tellers: Tellers) -> None:
    tellers.tellings = {1: Telling([LIVE], goes_on=True), 2: Interrupted(signal.SIGINT)}
    assert logs("-f") == 130
    assert sorted(tellers.left) == [1, 2]
