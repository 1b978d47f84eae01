"""What a run of the CLI says of itself, and what it held."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.bench import measure as measuring
from lab.bench.measure import Measurement, counted, measure
from lab.bench.tables import HEADINGS, Pair, check, row

PREVIEWED = "Resources:\n    + 7014 to create\n\nDuration: 40s\n"
UPDATED = "Resources:\n    ~ 100 updated\n    +-2 replaced\n    608 unchanged\n"
HOLD = "x = bytearray(40_000_000); import time; time.sleep(1); print('    + 3 created')"


def test_the_summary_of_a_preview_is_counted() -> None:
    assert counted(PREVIEWED) == {"create": 7014}


def test_the_summary_of_an_update_is_counted_by_verb() -> None:
    assert counted(UPDATED) == {"update": 100, "replace": 2, "unchanged": 608}


def test_memory_is_that_of_all_processes_of_the_run(tmp_path: Path) -> None:
    child = f"import subprocess, sys; {HOLD}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    measured = measure([sys.executable, "-c", parent], tmp_path, {}, tmp_path / "log")
    assert measured.counts == {"create": 3}
    assert measured.resources == 3
    assert measured.seconds > 1
    assert measured.peak_mb > 40


def test_a_run_that_fails_ends_the_benchmark_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such stack"):
        measure([sys.executable, "-c", "raise SystemExit('no such stack')"], tmp_path, {}, tmp_path / "log")


def pair(seconds: float, counts: dict[str, int]) -> Pair:
    ours, bare = Measurement(seconds, 281.4, counts), Measurement(2.0, 241, {"create": 78})
    return Pair(10, "first up", ours, bare, (0.74, 0.3))


def test_a_row_has_both_programs_and_their_ratio() -> None:
    cells = dict(zip(HEADINGS, row(pair(4.5, {"create": 78})), strict=True))
    assert cells == {
        "projects": "10",
        "resources": "78",
        "run": "first up",
        "ours": "4.5 s",
        "bare": "2.0 s",
        "ratio": "2.25",
        "ours MB": "281",
        "bare MB": "241",
        "states MB": "0.7 / 0.3",
    }


def test_a_run_that_did_something_else_is_no_measurement() -> None:
    check(pair(4.5, {"create": 78}), {"create": 78})
    with pytest.raises(SystemExit, match="ours did"):
        check(pair(4.5, {"unchanged": 78}), {"create": 78})


@contextmanager
def held(*argv: str) -> Iterator[Path]:
    """A process that waits, once it has said that it is ready, as a folder of /proc."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield Path("/proc") / str(child.pid)
        child.stdin.close()


def test_the_cli_and_the_program_are_told_apart(tmp_path: Path) -> None:
    wait = "print('ready', flush=True); input()"
    program = tmp_path / "pulumi-language-python-exec"
    program.write_text(f"x = bytearray(60_000_000)\nx[::4096] = b'x' * len(x[::4096])\ndel x\n{wait}\n")
    with held(sys.executable, str(program)) as process:
        assert measuring._kind(process) == "program"
        assert measuring.most_resident(process) > 60_000_000, "the most, not what is left of it"
    with held("bash", "-c", "exec -a /home/bin/pulumi sh -c 'echo ready; read line' up --stack x") as process:
        assert measuring._kind(process) == "cli"
    with held(sys.executable, "-c", wait) as process:
        assert measuring._kind(process) is None
    gone = Path("/proc/0")
    assert (measuring._kind(gone), measuring.most_resident(gone), measuring.cpu_seconds(gone)) == (None, 0, 0)


def test_processor_time_is_what_a_process_has_used(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint('ready', flush=True); input()"
    with held(sys.executable, "-c", busy) as process:
        assert measuring.cpu_seconds(process) >= 0.28


def test_an_interrupted_measurement_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_process: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring, "_memory", interrupt)
    started = tmp_path / "pid"
    child = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        measure([sys.executable, "-c", child], tmp_path, {}, tmp_path / "log")
    if started.exists():  # else it was ended before its first line
        assert not Path("/proc", started.read_text()).exists()
