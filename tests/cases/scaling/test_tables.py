"""What the autoscaler decides on recorded and generated days: `cases/*.yaml` against the tables in `expected/*.txt`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import Autoscale
from tests.cases.scaling import curves
from tests.cases.scaling.played import Faults, Pool, Tick

CASES = sorted((curves.FOLDER / "cases").glob("*.yaml"))


def played(case: dict[str, Any]) -> list[Tick]:
    faults = Faults(
        [(name, start * curves.HOUR, end * curves.HOUR) for name, start, end in case.get("dead", ())],
        [(start * curves.HOUR, end * curves.HOUR) for start, end in case.get("refused", ())],
    )
    rules = Autoscale.model_validate(case["rules"])
    pool = Pool(rules, curves.of(case["demand"]), faults, case.get("noise", 0.0), start=case.get("start", 2))
    return list(pool.play(case["hours"] * curves.HOUR))


def table(ticks: list[Tick]) -> list[str]:
    """A line each step; then how often what was decided, and for how long there were how many servers."""
    lines = []
    for tick in ticks:
        if tick.act == "hold":
            continue
        clock = f"{int(tick.at // 3600):02d}:{int(tick.at % 3600 // 60):02d}"
        outcome = "" if tick.done else "  REFUSED by the API"
        lines.append(
            f"{clock}  {tick.before} -> {tick.decision.count}  {tick.act:<6}  {tick.decision.reason}{outcome}"
        )
    acts = Counter(tick.act for tick in ticks)
    minutes = Counter(tick.before for tick in ticks)
    sizes = ", ".join(f"{count} servers {minutes[count]} min" for count in sorted(minutes))
    return [*lines, "", f"{len(ticks)} decisions: {acts['add']} add, {acts['remove']} remove", sizes]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_decisions_are_as_expected(path: Path, update_golden: bool) -> None:
    lines = "".join(f"{line}\n" for line in table(played(yaml.safe_load(path.read_text()))))
    golden = curves.FOLDER / "expected" / f"{path.stem}.txt"
    if update_golden:
        golden.write_text(lines)
    assert lines == golden.read_text(), "other decisions: if they are right, run with --update-golden"


def test_every_table_has_its_case() -> None:
    assert {path.stem for path in (curves.FOLDER / "expected").iterdir()} == {path.stem for path in CASES}
