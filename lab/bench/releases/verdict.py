"""Figures and goals from what was seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.bench.releases.rollback import Rollback
from lab.load import Result, samples
from lab.load.streams import Moment

P99_RATIO = 1.5
ROLLBACK_SECONDS = 1.0


@dataclass(frozen=True)
class Release:
    """One release: its number, the tag, begin and end (seconds since the epoch), the colour that serves since."""

    number: int
    tag: str
    began: float
    ended: float
    colour: str


@dataclass(frozen=True)
class Seen:
    """What the benchmark saw: the load's result, the steady windows, the releases, who stopped and served when.

    One steady window comes before the first release, one after each, and a last one at the end.
    """

    result: Result
    steady: Sequence[samples.Window]
    releases: Sequence[Release]
    stops: Sequence[Moment]
    serving: Sequence[Moment]
    rollback: Rollback


@dataclass(frozen=True)
class Goal:
    """A goal, what was reached, and whether missing it fails the run."""

    name: str
    reached: str
    met: bool
    hard: bool


@dataclass(frozen=True)
class Latency:
    """Latency of some requests: how many, and percentiles in milliseconds."""

    count: int
    p50: float
    p99: float

    @classmethod
    def of(cls, found: Sequence[samples.Sample]) -> Latency:
        """Of the requests that were answered as they should."""
        times = [one.ms for one in found if one.wrong is None]
        return cls(len(times), samples.percentile(times, 50), samples.percentile(times, 99))


def latencies(seen: Seen) -> dict[str, tuple[Latency, Latency]]:
    """Steady and during releases, by kind of traffic and for all of it."""
    windows = [(release.began, release.ended) for release in seen.releases]
    steady = samples.within(seen.result.requests, seen.steady)
    during = samples.within(seen.result.requests, windows)
    kinds = sorted({one.kind for one in seen.result.requests})
    found = {
        kind: (Latency.of(_only(steady, kind)), Latency.of(_only(during, kind))) for kind in ["all", *kinds]
    }
    return found


def _only(found: Sequence[samples.Sample], kind: str) -> list[samples.Sample]:
    return [one for one in found if kind in ("all", one.kind)]


def ratios(seen: Seen) -> list[float]:
    """Each release's p99 by that of the steady load right before and right after it: the machine's drift left out."""
    found = []
    for number, release in enumerate(seen.releases):
        steady = Latency.of(samples.within(seen.result.requests, seen.steady[number : number + 2]))
        during = Latency.of(samples.within(seen.result.requests, [(release.began, release.ended)]))
        found.append(during.p99 / steady.p99)
    return found


def durations(seen: Seen) -> tuple[float, float, float]:
    """Shortest, median and longest release in seconds."""
    times = [release.ended - release.began for release in seen.releases]
    return min(times), samples.percentile(times, 50), max(times)


def goals(seen: Seen) -> list[Goal]:
    """Every goal of the benchmark. Latencies on a shared machine are told, but fail nothing."""
    steady, during = latencies(seen)["all"]
    ratio = during.p99 / steady.p99
    drops = seen.result.drops(seen.stops, seen.serving)
    sent = len(seen.result.requests)
    unsent = seen.result.unsent / max(1, sent + seen.result.unsent)
    return [
        Goal("failed requests: 0", str(seen.result.failed), seen.result.failed == 0, hard=True),
        Goal("dropped streams: 0", str(len(drops)), not drops, hard=True),
        Goal(f"p99 during releases <= {P99_RATIO} x steady", f"{ratio:.2f}", ratio <= P99_RATIO, hard=False),
        Goal(
            f"rollback to the first old answer <= {ROLLBACK_SECONDS:.0f} s",
            f"{seen.rollback.serving:.2f} s",
            seen.rollback.serving <= ROLLBACK_SECONDS,
            hard=False,
        ),
        Goal("the load was sent: 95 %", f"{1 - unsent:.1%}", unsent <= 0.05, hard=False),
    ]


def as_json(seen: Seen) -> dict[str, Any]:
    """Everything that is printed, and each release, for `--json`."""
    drops = seen.result.drops(seen.stops, seen.serving)
    return {
        "requests": len(seen.result.requests),
        "unsent": seen.result.unsent,
        "failures": dict(seen.result.failures),
        "uploads": [asdict(upload) for upload in seen.result.uploads],
        "streams": len(seen.result.lives),
        "drops": [asdict(life) for life in drops],
        "latency_ms": {
            kind: {"steady": asdict(steady), "releases": asdict(during), "p99_ratio": during.p99 / steady.p99}
            for kind, (steady, during) in latencies(seen).items()
        },
        "releases": [
            {**asdict(release), "p99_ratio": ratio}
            for release, ratio in zip(seen.releases, ratios(seen), strict=True)
        ],
        "release_seconds": dict(zip(("min", "median", "max"), durations(seen), strict=True)),
        "rollback": asdict(seen.rollback),
        "goals": [asdict(goal) for goal in goals(seen)],
    }
