"""Figures and goals of servers that come and go, from what was seen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.bench.releases.verdict import SENT_SHARE, Goal, Latency
from lab.load import Result
from lab.load.samples import Sample, Window
from lab.load.streams import CLEAN, GOING_AWAY, Life

PROPERLY = (GOING_AWAY, CLEAN)
"""How a stream ends whose client is told so, and comes again."""


@dataclass(frozen=True)
class Phase:
    """A time in which one thing was done: its name, when (seconds since the epoch), how long its update took, if any."""

    name: str
    window: Window
    update_seconds: float | None = None

    def has(self, at: float) -> bool:
        """Whether a moment is in it."""
        return self.window[0] <= at < self.window[1]


@dataclass(frozen=True)
class Seen:
    """The loads' results, the phases in order, and how many requests each server noted while there were most of them."""

    results: Sequence[Result]
    phases: Sequence[Phase]
    answered: dict[str, int]
    moved: dict[str, tuple[list[str], list[str]]]
    """By project: the servers before a pool shrank and after it."""

    errors: dict[str, list[str]] = field(default_factory=dict)
    """By server: what its Caddy noted of requests that it could not serve."""

    @property
    def requests(self) -> list[Sample]:
        return [one for result in self.results for one in result.requests]

    @property
    def lives(self) -> list[Life]:
        return [one for result in self.results for one in result.lives]

    @property
    def failed(self) -> int:
        """Requests, uploads and connections."""
        return sum(result.failed for result in self.results)

    @property
    def rude(self) -> list[Life]:
        """Streams that ended without a word to their client."""
        return [one for one in self.lives if one.ended is not None and one.how not in PROPERLY]


@dataclass(frozen=True)
class Row:
    """A phase in figures: requests that began in it, how many failed, latency, streams that ended in it, by how."""

    name: str
    seconds: float
    update_seconds: float | None
    failed: int
    latency: Latency
    ended: Counter[str]


def rows(seen: Seen) -> list[Row]:
    """One a phase."""
    return [_row(seen, phase) for phase in seen.phases]


def _row(seen: Seen, phase: Phase) -> Row:
    begun = [one for one in seen.requests if phase.has(one.began)]
    began, ended = phase.window
    return Row(
        phase.name,
        ended - began,
        phase.update_seconds,
        sum(one.wrong is not None for one in begun),
        Latency.of(begun),
        Counter(life.how for life in seen.lives if life.ended is not None and phase.has(life.ended)),
    )


def goals(seen: Seen, joined: Iterable[str]) -> list[Goal]:
    """What visitors may notice, and that the servers which `joined` took part."""
    sent = len(seen.requests)
    share = sent / max(1, sent + sum(result.unsent for result in seen.results))
    idle = [name for name in joined if not seen.answered.get(name)]
    stayed = [project for project, (before, after) in seen.moved.items() if set(before) & set(after)]
    return [
        Goal("0 failed requests", str(seen.failed), seen.failed == 0, hard=True),
        Goal("every stream that ends is told so", f"{len(seen.rude)} were not", not seen.rude, hard=True),
        Goal(
            "servers that joined answer visitors",
            f"none by {', '.join(idle)}" if idle else "all of them",
            not idle,
            hard=True,
        ),
        Goal(
            "projects of servers that leave move",
            f"not {', '.join(stayed)}" if stayed else "all of them",
            not stayed,
            hard=True,
        ),
        Goal(f"{SENT_SHARE:.0%} of the load was sent", f"{share:.1%}", share >= SENT_SHARE, hard=False),
    ]


def failures(seen: Seen) -> Counter[str]:
    """What failed, by reason."""
    return sum((result.failures for result in seen.results), Counter())


def as_json(seen: Seen, joined: Iterable[str]) -> dict[str, Any]:
    """All figures, for other programs."""
    return {
        "phases": [asdict(row) | {"ended": dict(row.ended)} for row in rows(seen)],
        "failures": dict(failures(seen)),
        "answered": seen.answered,
        "moved": {project: {"before": had, "after": has} for project, (had, has) in seen.moved.items()},
        "errors": seen.errors,
        "uploads": sum(len(result.uploads) for result in seen.results),
        "streams": len(seen.lives),
        "goals": [vars(goal) for goal in goals(seen, joined)],
    }
