"""What samples say of a pool's servers: who is measured, who is new, who is away, and how busy they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite
from statistics import fmean
from typing import Final

_LEAST_GAP_S: Final = 45
"""Seconds without a sample that are none the worse: three scrapes."""
_GAPS_IN_WINDOW: Final = 5
_ARRIVAL_S: Final = 20 * 60
"""Seconds after a step in which the last server is taken for one that is still on its way, not for one that is lost."""


@dataclass(frozen=True)
class Sample:
    """How busy a server was: `at` in seconds since 1970, `cpu` in percent of all its cores."""

    at: float
    server: str
    cpu: float


@dataclass(frozen=True)
class Situation:
    """All that a decision is made from.

    `servers` are those of the pool in order of their numbers, so that the last one is who would go. `unwell` are those whose
    services do not answer, whatever their CPU says. `decided` is when the last step was begun, be it done or failed.
    Times are in seconds since 1970.
    """

    now: float
    servers: tuple[str, ...]
    samples: tuple[Sample, ...] = ()
    unwell: frozenset[str] = frozenset()
    decided: float | None = None


@dataclass(frozen=True)
class Seen:
    """The servers by what is known of them, and the load of those that are measured.

    `measured` have samples of the whole window. `fresh` answer now but have not been there for a whole window: they came, or
    came back; so has the one that a step may just be bringing. `away` don't answer, or not steadily. `load` is the mean of
    the measured, `halves` that of each half of the window, in percent; None when nobody is measured.
    """

    measured: tuple[str, ...]
    fresh: tuple[str, ...]
    away: tuple[str, ...]
    load: float | None = None
    halves: tuple[float, float] | None = None


def look(situation: Situation, window_s: float) -> Seen:
    """What the samples of the window that ends now say."""
    start = situation.now - window_s
    gap = max(_LEAST_GAP_S, window_s / _GAPS_IN_WINDOW)
    samples = _by_server(situation, start)
    kinds = {
        name: "away"
        if name in situation.unwell
        else _kind([each.at for each in samples[name]], start, situation.now, gap)
        for name in situation.servers
    }
    last = situation.servers[-1] if situation.servers else ""
    if kinds.get(last) == "away" and not samples[last] and _is_recent(situation):
        kinds[last] = "fresh"
    parted = {name: _halves(samples[name], start + window_s / 2) for name in situation.servers}
    measured = tuple(name for name in situation.servers if kinds[name] == "measured" and parted[name])
    halves = [half for name in measured if (half := parted[name])]
    lost = tuple(
        name for name in situation.servers if name not in measured and kinds[name] in ("away", "measured")
    )
    fresh = tuple(name for name in situation.servers if kinds[name] == "fresh")
    if not halves:
        return Seen((), fresh, lost)
    earlier, later = (fmean(half[number] for half in halves) for number in (0, 1))
    load = fmean(fmean(each.cpu for each in samples[name]) for name in measured)
    return Seen(measured, fresh, lost, load, (earlier, later))


def _is_recent(situation: Situation) -> bool:
    """Whether a step was begun a short time ago."""
    return situation.decided is not None and situation.now - situation.decided < _ARRIVAL_S


def _by_server(situation: Situation, start: float) -> Mapping[str, Sequence[Sample]]:
    """Samples of the window in order of time; a value that is no number is no sample."""
    found: dict[str, list[Sample]] = {name: [] for name in situation.servers}
    for each in situation.samples:
        if each.server in found and start <= each.at <= situation.now and isfinite(each.cpu):
            found[each.server].append(replace(each, cpu=min(100.0, max(0.0, each.cpu))))
    return {name: sorted(each, key=lambda sample: (sample.at, sample.cpu)) for name, each in found.items()}


def _kind(times: Sequence[float], start: float, now: float, gap: float) -> str:
    """`measured`, `fresh` or `away`, by when there are samples."""
    if not times or now - times[-1] > gap:
        return "away"
    if any(later - earlier > gap for earlier, later in pairwise(times)):
        return "away"
    return "measured" if times[0] - start <= gap else "fresh"


def _halves(samples: Iterable[Sample], middle: float) -> tuple[float, float] | None:
    """The mean of each half of the window; None when one has no sample."""
    parts: tuple[list[float], list[float]] = ([], [])
    for each in samples:
        parts[each.at >= middle].append(each.cpu)
    return (fmean(parts[0]), fmean(parts[1])) if all(parts) else None
