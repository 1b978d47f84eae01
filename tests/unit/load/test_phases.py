"""How ways are compared: the same for each, in turn, in rounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.bench.releases import phases
from lab.bench.releases.phases import Plan
from lab.bench.releases.verdict import Seen
from lab.bench.releases.ways import Way
from lab.host import Lab
from lab.load import Result, Shape, Target
from lab.load.streams import Moment

RESULT = Result(0, 1, (), 0, (), (), ())


@dataclass
class Fake:
    """A way that notes what it is asked for."""

    name: str
    log: list[str]
    target: Target = field(default_factory=lambda: Target("bench.lab.test", "127.0.0.1", Path("ca")))

    def tag(self, number: int) -> str:
        return str(number)

    @contextmanager
    def up(self, number: int) -> Iterator[None]:
        self.log.append(f"{self.name} up at {number}")
        try:
            yield
        finally:
            self.log.append(f"{self.name} gone")

    def release(self, number: int) -> float:
        self.log.append(f"{self.name} {number}")
        return 0

    def stops(self, since: float) -> list[Moment]:
        return []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens in order; loads are left out."""

    def measure(way: Way, lab: Lab, plan: Plan, numbers: range, tell: phases.Tell) -> Seen:
        for number in numbers:
            way.release(number)
        return Seen(RESULT, [], [], [], [])

    monkeypatch.setattr(phases, "measure", measure)
    return []


def compared(log: list[str], releases: int) -> list[str]:
    ways = [Fake(name, log) for name in ("ours", "kamal", "caddy")]
    found = phases.compare(ways, Lab.here(), Plan(releases, Shape(), 0), lambda text: None)
    assert list(found) == ["ours", "kamal", "caddy"]
    return log


def test_each_round_begins_with_another_way_and_goes_on_where_the_way_was(log: list[str]) -> None:
    found = compared(log, 5)
    assert [line for line in found if "up at" in line] == [
        *("ours up at 0", "kamal up at 0", "caddy up at 0"),
        *("kamal up at 2", "caddy up at 2", "ours up at 2"),
        *("caddy up at 4", "ours up at 4", "kamal up at 4"),
    ]
    assert [
        line for line in found if line.startswith("ours") and line[-1].isdigit() and "up" not in line
    ] == [f"ours {number}" for number in range(1, 7)]


def test_a_way_is_gone_before_the_next_one_begins(log: list[str]) -> None:
    found = [line for line in compared(log, 3) if "up" in line or "gone" in line]
    assert all(("up" in line) == (place % 2 == 0) for place, line in enumerate(found))


def test_one_release_is_one_round(log: list[str]) -> None:
    assert sum("up at" in line for line in compared(log, 1)) == 3
