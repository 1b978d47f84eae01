"""The place of whoever sits at `attach`: programs that inherit it, and what is said there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from agent.real.seat import RealSeat


@pytest.fixture
def seat() -> RealSeat:
    return RealSeat()


def test_a_program_s_end_is_told_as_shells_tell_it(seat: RealSeat) -> None:
    assert seat.start(["sh", "-c", 'test "$GIVEN" = "a b" && exit 3'], {"GIVEN": "a b"}).ended(10) == 3
    program = seat.start(["sleep", "60"], {})
    assert program.ended(0.05) is None
    program.signal(signal.SIGKILL)
    assert program.ended(10) == 137
    program.signal(signal.SIGTERM)  # whoever has ended is spared
    seat.signal([2**22 + 1], signal.SIGTERM)


def test_a_program_gets_nothing_of_our_environment_but_the_terminal_s_kind(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEAKED", "x")
    monkeypatch.setenv("TERM", "screen-256color")
    assert RealSeat().start(["env"], {"OWN": "1"}).ended(10) == 0
    names = {line.partition("=")[0]: line.partition("=")[2] for line in capfd.readouterr().out.splitlines()}
    assert names.keys() == {"HOME", "PATH", "LANG", "TERM", "OWN"}
    assert names["TERM"] == "screen-256color"


@pytest.mark.parametrize("term", ["", "a b", "x\ny", "$(reboot)", "x" * 41])
def test_a_terminal_s_kind_is_a_plain_word(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert RealSeat().term == "xterm"


def test_what_is_said_moves_no_cursor(seat: RealSeat, capsys: pytest.CaptureFixture[str]) -> None:
    seat.say("no \x1b[2Jway\n")
    assert capsys.readouterr().err == "no ?[2Jway?\n"


def test_a_program_dies_with_whoever_started_it() -> None:
    """`setpriv` in front of it, as sessions have, is enough: also when nobody could end it in order."""
    script = (
        "import os, signal\nfrom agent.real.seat import RealSeat\n"
        "program = RealSeat().start(['setpriv', '--pdeathsig=KILL', 'sh', '-c', 'echo $$; exec sleep 60'], {})\n"
        "program.ended(1)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # standard output ends when nobody is left who has it: within the time
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.strip().isdigit()
