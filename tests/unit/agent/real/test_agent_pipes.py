"""Pipelines of real programs: what flows, how each ends, and that none is left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.host.pipes import PipeBroken, run
from agent.real.pipes import RealPipes

PIPES = RealPipes()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_bytes_go_through_all_programs_unchanged() -> None:
    content = os.urandom(3 << 20)
    pieces = (content[at : at + 100_000] for at in range(0, len(content), 100_000))
    assert b"".join(PIPES.flow([["cat"], ["cat"], ["cat"]], pieces)) == content


def test_a_source_that_nobody_reads_to_its_end_is_no_error_of_its_own() -> None:
    with pytest.raises(PipeBroken) as caught:
        run(PIPES, [["sh", "-c", "head -c 5 > /dev/null; exit 3"]], iter([b"x" * 100_000] * 50))
    assert caught.value.first.code == 3


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_program_that_fails_anywhere_breaks_the_pipeline_and_is_named(place: int) -> None:
    stages = [["cat"], ["cat"], ["cat"]]
    stages[place] = ["sh", "-c", "head -c 100; echo the disk is full >&2; exit 7"]
    with pytest.raises(PipeBroken, match="sh ended with status 7: the disk is full") as caught:
        b"".join(PIPES.flow(stages, iter([b"x" * 200_000] * 20)))
    assert [stage.code for stage in caught.value.stages][place] == 7


def test_a_program_that_fails_after_its_last_byte_breaks_the_pipeline() -> None:
    flow = PIPES.flow([["sh", "-c", "echo all of it; exec >&-; sleep 0.2; exit 1"], ["cat"]])
    assert next(flow) == b"all of it\n"
    with pytest.raises(PipeBroken):
        next(flow)


def test_an_error_of_the_source_ends_the_programs_before_they_see_an_end(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("broke off")

    with pytest.raises(ValueError, match="broke off"):
        run(PIPES, [["sh", "-c", f"cat > /dev/null && touch {seen}"]], pieces())
    assert not seen.exists()


def test_a_source_that_fails_at_once_is_raised_though_the_programs_are_quick() -> None:
    def pieces() -> Iterator[bytes]:
        raise ValueError("nothing there")
        yield b""

    with pytest.raises(ValueError, match="nothing there"):
        run(PIPES, [["cat"]], pieces())


def test_whoever_takes_no_more_ends_the_programs_and_their_source() -> None:
    closed = []

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.append(True)

    with closing(PIPES.flow([["sh", "-c", "echo $$; exec cat"]], pieces())) as flow:
        pid = int(next(flow).split()[0])
        assert alive(pid)
    assert not alive(pid)
    assert closed == [True]


def test_a_pipeline_ends_soon_after_nobody_waits() -> None:
    with pytest.raises(PipeBroken, match="nobody waits"):
        run(PIPES, [["sleep", "60"]], unless=lambda: True)


def test_silence_is_an_empty_piece() -> None:
    with closing(PIPES.flow([["sleep", "60"]])) as flow:
        assert next(flow) == b""


def test_a_pipeline_may_be_the_source_of_another() -> None:
    inner = PIPES.flow([["sh", "-c", "echo from inside; exit 4"]])
    with pytest.raises(PipeBroken) as caught:
        b"".join(PIPES.flow([["cat"]], inner))
    assert caught.value.first.code == 4


def test_a_program_that_is_not_installed_is_named_and_the_others_end() -> None:
    with pytest.raises(PipeBroken, match="no-such-program is not installed") as caught:
        run(PIPES, [["cat", "/dev/zero"], ["no-such-program"]])
    assert caught.value.first.code == 127


def test_only_the_end_of_what_a_program_complains_is_kept() -> None:
    with pytest.raises(PipeBroken) as caught:
        run(PIPES, [["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo last >&2; exit 1"]])
    assert len(caught.value.first.said) <= 8 << 10
    assert caught.value.first.said.endswith("last\n")


def test_a_session_answers_what_it_is_asked() -> None:
    with PIPES.session(["sh"]) as session:
        assert session.ask("echo one; echo two; echo .\n", ".") == ["one", "two"]
        assert session.ask("echo $((6*7)); echo .\n", ".") == ["42"]
        (pid,) = session.ask("echo $$; echo .\n", ".")
    assert not alive(int(pid))


def test_a_session_that_ends_or_is_silent_is_told() -> None:
    with PIPES.session(["sh"]) as session, pytest.raises(PipeBroken, match="sh ended with status 5: gone"):
        session.ask("echo gone >&2; exit 5\n", ".")
    began = time.monotonic()
    with PIPES.session(["sh"]) as session, pytest.raises(PipeBroken, match="no answer in time"):
        session.ask("exec sleep 60\n", ".", timeout_s=0.1)
    assert time.monotonic() - began < 30
