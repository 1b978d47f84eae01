"""What a run of the CLI says of itself, and what it held."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
