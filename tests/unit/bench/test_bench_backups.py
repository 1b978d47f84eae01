"""Figures of backups under load, from what the agent answered and what visitors got."""

from __future__ import annotations

import pytest

from lab.bench.backups.figures import HEADINGS, Step, figures, row, step
from lab.load.samples import Sample

WINDOW, AROUND = (100.0, 200.0), ((80.0, 99.0), (201.0, 220.0))
BACKUP = {"ok": True, "projects": [{"project": "bench", "ok": True, "size": 600_000_000, "seconds": 40.5}]}
PROOF = {"ok": True, "projects": [{"project": "bench", "ok": True, "seconds": 50.0, "restore_seconds": 25.0}]}
BASE = {"ok": True, "bytes": 700_000_000, "seconds": 30.0}


def test_what_the_agent_says_is_the_step_s_figures() -> None:
    found = step("backup", 10**9, WINDOW, AROUND, BACKUP)
    assert (found.seconds, found.stored, found.inner) == (40.5, 600_000_000, None)
    assert step("base", 10**9, WINDOW, AROUND, BASE).stored == 700_000_000
    proof = step("prove", 10**9, WINDOW, AROUND, PROOF)
    assert (proof.seconds, proof.inner, proof.stored) == (50.0, 25.0, None)


def test_a_step_that_went_wrong_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="prove: bench: room: no room"):
        step("prove", 1, WINDOW, AROUND, {"ok": False, "summary": "bench: room: no room"})


def test_a_row_compares_requests_during_the_step_with_those_around_it() -> None:
    requests = [
        Sample(began, ms, "read", "GET", None)
        for began, ms in ((90.0, 10.0), (210.0, 20.0), (150.0, 24.0), (300.0, 9000.0))
    ]
    (found,) = figures([Step("prove", 10**9, WINDOW, AROUND, 50.0, 25.0)], requests)
    assert found.ratio == pytest.approx(1.2)
    cells = dict(zip(HEADINGS, row(found), strict=True))
    assert cells == {
        "GB": "1.0", "step": "prove", "seconds": "50.0", "of it": "25.0", "MB/s": "40", "stored MB": "",
        "steady ms": "20.0", "during ms": "24.0", "p99 ratio": "1.20",
    }  # fmt: skip
