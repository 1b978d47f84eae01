"""Figures and goals from what was seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lab.bench.releases.rollback import Rollback
from lab.load import Result, samples
from lab.load.streams import Moment

ROLLBACK_SECONDS = 1.0
SENT_SHARE = 0.95


@dataclass(frozen=True)
class Release:
    """One release: its number, the tag, begin and end (seconds since the epoch), the colour that serves since.

    `around` is the steady load right before and right after it.
    """

    number: int
    tag: str
    began: float
    ended: float
    colour: str
    around: tuple[samples.Window, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    def between(self, *windows: samples.Window) -> Release:
        """The same, with the steady load around it."""
        return replace(self, around=windows)


@dataclass(frozen=True)
class Seen:
    """What was seen of one way: the load's result, the steady windows, the releases, who stopped and served when."""

    result: Result
    steady: Sequence[samples.Window]
    releases: Sequence[Release]
    stops: Sequence[Moment]
    serving: Sequence[Moment]
    rollback: Rollback | None = None

    @property
    def dropped(self) -> int:
        """How many streams ended when they should not have."""
        return len(self.result.drops(self.stops, self.serving))


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
    p95: float
    p99: float

    @classmethod
    def of(cls, found: Sequence[samples.Sample]) -> Latency:
        """Of the requests that were answered as they should."""
        times = [one.ms for one in found if one.wrong is None]
        return cls(len(times), *(samples.percentile(times, percent) for percent in (50, 95, 99)))


def joined(rounds: Sequence[Seen]) -> Seen:
    """Rounds of one way as one, in order of time."""
    results = [one.result for one in rounds]
    return Seen(
        Result(
            results[0].began,
            results[-1].ended,
            tuple(request for one in results for request in one.requests),
            sum(one.unsent for one in results),
            tuple(upload for one in results for upload in one.uploads),
            tuple(life for one in results for life in one.lives),
            tuple(trouble for one in results for trouble in one.troubles),
        ),
        [window for one in rounds for window in one.steady],
        [release for one in rounds for release in one.releases],
        [stop for one in rounds for stop in one.stops],
        [moment for one in rounds for moment in one.serving],
    )


def latencies(seen: Seen) -> dict[str, tuple[Latency, Latency]]:
    """Steady and during releases, by kind of traffic and for all of it."""
    steady, during = _requests(seen)
    kinds = sorted({one.kind for one in seen.result.requests})
    found = {
        kind: (Latency.of(_only(steady, kind)), Latency.of(_only(during, kind))) for kind in ["all", *kinds]
    }
    return found


def _requests(seen: Seen) -> tuple[list[samples.Sample], list[samples.Sample]]:
    windows = [(release.began, release.ended) for release in seen.releases]
    return samples.within(seen.result.requests, seen.steady), samples.within(seen.result.requests, windows)


def _only(found: Sequence[samples.Sample], kind: str) -> list[samples.Sample]:
    return [one for one in found if kind in ("all", one.kind)]


def ratios(seen: Seen) -> list[float]:
    """Each release's p99 by that of the steady load right before and right after it: the machine's drift left out."""
    found = []
    for release in seen.releases:
        steady = Latency.of(samples.within(seen.result.requests, release.around))
        during = Latency.of(samples.within(seen.result.requests, [(release.began, release.ended)]))
        found.append(during.p99 / steady.p99)
    return found


def slowed(seen: Seen) -> float:
    """How many requests a release made slower than the steady p99, which one in a hundred is anyway.

    A release that waits half a minute for streams to end has many quiet requests in it, and so a good p99; this
    figure does not change with how long a release takes.
    """
    steady, during = (_only(found, "all") for found in _requests(seen))
    limit = Latency.of(steady).p99
    slow = sum(one.ms > limit for one in during)
    return (slow - len(during) / 100) / max(1, len(seen.releases))


def durations(seen: Seen) -> tuple[float, float, float]:
    """Shortest, median and longest release in seconds."""
    times = [release.seconds for release in seen.releases]
    return min(times), samples.percentile(times, 50), max(times)


def goals(seen: Seen, kamal: Seen | None = None) -> list[Goal]:
    """Every goal of the benchmark; a latency on a shared machine fails it only against a peer in the same run."""
    sent = len(seen.result.requests)
    unsent = seen.result.unsent / max(1, sent + seen.result.unsent)
    return [
        Goal("failed requests: 0", str(seen.result.failed), seen.result.failed == 0, hard=True),
        Goal("dropped streams: 0", str(seen.dropped), seen.dropped == 0, hard=True),
        *([_no_slower(seen, kamal)] if kamal else []),
        *([_quickly_back(seen.rollback)] if seen.rollback else []),
        Goal(
            f"the load was sent: {SENT_SHARE:.0%}", f"{1 - unsent:.1%}", unsent <= 1 - SENT_SHARE, hard=False
        ),
    ]


def _no_slower(seen: Seen, kamal: Seen) -> Goal:
    ours, theirs = (latencies(one)["all"][1].p99 for one in (seen, kamal))
    reached = f"{ours:.1f} ms against {theirs:.1f} ms"
    return Goal("p99 in releases: no worse than kamal-proxy's", reached, ours <= theirs, hard=True)


def _quickly_back(rollback: Rollback) -> Goal:
    name = f"rollback to the first old answer <= {ROLLBACK_SECONDS:.0f} s"
    return Goal(name, f"{rollback.serving:.2f} s", rollback.serving <= ROLLBACK_SECONDS, hard=False)


def as_json(seen: Seen) -> dict[str, Any]:
    """Everything that is printed of a way, and each release, for `--json`."""
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
        "slowed_by_a_release": slowed(seen),
        "releases": [
            {**asdict(release), "p99_ratio": ratio}
            for release, ratio in zip(seen.releases, ratios(seen), strict=True)
        ],
        "release_seconds": dict(zip(("min", "median", "max"), durations(seen), strict=True)),
        "rollback": asdict(seen.rollback) if seen.rollback else None,
    }
