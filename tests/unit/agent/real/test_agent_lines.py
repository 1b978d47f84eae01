"""Programs whose lines are read as they come: side by side, for as long as somebody reads."""

from __future__ import annotations

import os
import time
from contextlib import closing

from agent.real.runner import RealRunner

SPEAK = "while :; do echo tick; sleep 0.05; done"


def gone(pid: int) -> bool:
    """Whether a process has ended (and was waited for)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_lines_of_several_programs_come_with_their_place() -> None:
    found = list(RealRunner().lines([["printf", "a\\nb\\nwithout an end"], ["printf", "c\\n\\377\\n"]]))
    assert [line for line in found if line and line[0] == 0] == [(0, "a"), (0, "b")]
    assert [line for line in found if line and line[0] == 1] == [(1, "c"), (1, "\ufffd")]


def test_a_reader_who_closes_ends_the_programs() -> None:
    with closing(RealRunner().lines([["sh", "-c", f"echo $$; {SPEAK}"]])) as lines:
        pid = int((next(lines) or (0, "0"))[1])
        assert not gone(pid)
    assert gone(pid)


def test_programs_end_soon_after_nobody_waits() -> None:
    deadline = time.monotonic() + 0.3
    began = time.monotonic()
    found = list(RealRunner().lines([["sh", "-c", SPEAK]], unless=lambda: time.monotonic() > deadline))
    assert found[0] == (0, "tick")
    assert time.monotonic() - began < 30


def test_silence_is_told() -> None:
    with closing(RealRunner().lines([["sleep", "5"]])) as lines:
        assert next(lines) is None


def test_a_line_without_an_end_takes_no_memory() -> None:
    endless = ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\\\0' x; echo; echo after"]
    found = [line for line in RealRunner().lines([endless]) if line]
    assert found[-1] == (0, "after")
    assert all(len(text) <= 2 << 20 for _, text in found)
