"""Figures as lines of a table that is printed as it grows, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.bench.many.planned import Planned
from lab.bench.many.sites import Sites
from lab.bench.many.split import Join, Parts
from lab.bench.measure import Measurement
from lab.bench.tables import Pair


@dataclass
class Growing:
    """A table whose head is printed with its first row; `widths` by heading."""

    title: str
    widths: Mapping[str, int]
    say: Callable[[str], None]
    rows: int = field(default=0, init=False)

    def add(self, cells: Sequence[str]) -> None:
        """One row more. Raises ValueError for another number of cells than there are headings."""
        if not self.rows:
            self.say(f"\n{self.title}")
            self.say(self._line(list(self.widths)))
        self.rows += 1
        self.say(self._line(cells))

    def _line(self, cells: Sequence[str]) -> str:
        pairs = zip(cells, self.widths.values(), strict=True)
        return "  ".join(cell.ljust(width) for cell, width in pairs).rstrip()


PLAN = {"projects": 8, "manifests": 9, "plan": 7, "documents": 9, "ms a project": 12}
STACK = {
    "projects": 8, "resources": 9, "run": 19, "one stack": 9, "bare": 8, "ratio": 5, "cpu": 8, "bare: cpu": 9, "ratio ": 6,
    "MB: all": 7, "program": 7, "cli": 6, "bare: all": 9, "program ": 7, "cli ": 6, "states MB": 13,
}  # fmt: skip
SPLIT = {
    "projects": 8, "stacks": 6, "resources": 9, "run": 19, "all": 9, "longest": 9, "cpu": 8, "cpu by one stack": 16,
    "MB: all": 7, "program": 7, "cli": 6, "states MB": 18,
}  # fmt: skip
SITES = {
    "sites": 6, "adapt: pattern": 14, "list": 8, "ratio": 6, "reload of one": 13, "cpu": 7, "MB before": 9, "after": 7,
}  # fmt: skip


def plan_row(found: Planned) -> tuple[str, ...]:
    whole = found.load + found.plan + found.render
    times = (found.load, found.plan, found.render)
    return (str(found.projects), *map(_seconds, times), f"{1000 * whole / found.projects:.1f}")


def stack_row(pair: Pair) -> tuple[str, ...]:
    states = "" if pair.state_mb is None else " / ".join(f"{size:.1f}" for size in pair.state_mb)
    return (
        str(pair.projects),
        str(pair.ours.resources),
        pair.what,
        _seconds(pair.ours.seconds),
        _seconds(pair.bare.seconds),
        f"{pair.ratio:.2f}",
        _seconds(pair.ours.cpu_seconds),
        _seconds(pair.bare.cpu_seconds),
        _ratio(pair.ours.cpu_seconds, pair.bare.cpu_seconds),
        *_memory(pair.ours),
        *_memory(pair.bare),
        states,
    )


def split_row(size: int, stacks: int, found: Parts | Join, one: Mapping[str, float]) -> tuple[str, ...]:
    """`one` is the processor time of the same runs of a single stack, by what they are; the ratio is of the sum."""
    if isinstance(found, Join):
        return (str(size), str(stacks), "", "codeb registry", _seconds(found.seconds), *[""] * 7)
    most = max(found.runs, key=lambda run: run.peak_mb)
    return (
        str(size),
        str(len(found.runs)),
        str(found.resources),
        found.what,
        _seconds(found.seconds),
        _seconds(found.longest),
        _seconds(found.cpu_seconds),
        _ratio(found.cpu_seconds, one.get(found.what, 0)),
        *_memory(most),
        " + ".join(f"{each:.1f}" for each in found.states_mb),
    )


def sites_row(found: Sites) -> tuple[str, ...]:
    pattern = found.globbed
    return (
        str(found.sites),
        "" if pattern is None else _seconds(pattern),
        _seconds(found.listed),
        "" if pattern is None else f"{found.listed / pattern:.3f}",
        _seconds(found.reload),
        _seconds(found.reload_cpu),
        f"{found.before_mb:.0f}",
        f"{found.after_mb:.0f}",
    )


def as_json(found: object) -> dict[str, Any]:
    """A figure of any of these kinds, with what it computes."""
    values = asdict(found)  # type: ignore[call-overload]
    more = {name: getattr(found, name) for name in ("ratio", "longest", "reload") if hasattr(found, name)}
    return {**values, **more}


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else ""


def _memory(run: Measurement) -> tuple[str, ...]:
    """All processes together, the program, the CLI."""
    return (
        f"{run.peak_mb:.0f}",
        *(f"{run.rss_mb[kind]:.0f}" if kind in run.rss_mb else "" for kind in ("program", "cli")),
    )
