"""What was measured, as rows: ours beside the bare program, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from lab.bench.measure import Measurement


@dataclass(frozen=True)
class Pair:
    """The same run of both programs; `state_mb` are the sizes of their states after it, None for previews."""

    projects: int
    what: str
    ours: Measurement
    bare: Measurement
    state_mb: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        return self.ours.seconds / self.bare.seconds


HEADINGS = ("projects", "resources", "run", "ours", "bare", "ratio", "ours MB", "bare MB", "states MB")


def row(pair: Pair) -> tuple[str, ...]:
    """The cells below `HEADINGS`."""
    ours, bare = pair.ours, pair.bare
    return (
        str(pair.projects),
        str(ours.resources),
        pair.what,
        f"{ours.seconds:.1f} s",
        f"{bare.seconds:.1f} s",
        f"{pair.ratio:.2f}",
        f"{ours.peak_mb:.0f}",
        f"{bare.peak_mb:.0f}",
        "" if pair.state_mb is None else " / ".join(f"{size:.1f}" for size in pair.state_mb),
    )


def table(pairs: list[Pair]) -> Table:
    """A table for the terminal."""
    made = Table(*HEADINGS, box=None)
    for pair in pairs:
        made.add_row(*row(pair))
    return made


def check(pair: Pair, wanted: Mapping[str, int]) -> None:
    """Raise SystemExit unless both programs did just what the run is to measure, with as many resources each."""
    for who, measured in (("ours", pair.ours), ("the bare program", pair.bare)):
        if measured.counts != wanted:
            raise SystemExit(f"{pair.what}: {who} did {dict(measured.counts)} instead of {dict(wanted)}")
