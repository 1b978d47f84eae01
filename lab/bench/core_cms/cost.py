"""Processor time a request, from what control groups used under a steady rate. Pure.

The load is far below what the app can do, and only the app's own processor time counts: what the load and neighbours
take makes requests wait, but hardly changes the figure. At its limit an app does more a core: several requests at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.bench.observability.host.units import Reading
from lab.bench.releases.verdict import Latency
from lab.bench.releases.ways import BenchError
from lab.load import Result
from lab.load.samples import Window, percentile

APP: Final = "app"
OTHERS: Final = {"PostgreSQL": "postgres", "Redis": "redis-0", "Caddy": "caddy"}
"""Who else works for a request, by what tables call it: the service on the host."""

Rates = Mapping[str, float]
"""Seconds of processor time a second, by `APP` and the names of `OTHERS`."""


@dataclass(frozen=True)
class Look:
    """One round of one app: requests answered a second, processor time beyond that at rest, latency."""

    per_second: float
    used: Rates
    latency: Latency

    @property
    def a_core(self) -> float:
        """Requests a second of processor time of the app. Raises BenchError where nothing was measured."""
        if self.used[APP] <= 0:
            raise BenchError("the app used no more processor time under load than at rest")
        return self.per_second / self.used[APP]

    def ms(self, who: str) -> float:
        """Milliseconds of processor time a request."""
        return self.used[who] / self.per_second * 1000


@dataclass(frozen=True)
class Cost:
    """All rounds of one app, and the bytes of its answer, unpacked."""

    looks: Sequence[Look]
    answer_bytes: int

    @property
    def a_core(self) -> float:
        """Median of rounds."""
        return percentile([look.a_core for look in self.looks], 50)

    def ms(self, who: str) -> float:
        """Median of rounds."""
        return percentile([look.ms(who) for look in self.looks], 50)

    def as_json(self) -> dict[str, Any]:
        """What is printed of it, and each round."""
        return {
            "requests_a_core": self.a_core,
            "ms_a_request": {who: self.ms(who) for who in (APP, *OTHERS)},
            "answer_bytes": self.answer_bytes,
            "rounds": [
                {
                    "requests_a_core": look.a_core,
                    "requests_a_second": look.per_second,
                    "cpu_s_a_second": dict(look.used),
                    "p50_ms": look.latency.p50,
                    "p99_ms": look.latency.p99,
                }
                for look in self.looks
            ],
        }


@dataclass(frozen=True)
class Requests:
    """What was found, by the subjects' names; `failed` and `unsent` requests of all loads together."""

    rate: int
    costs: Mapping[str, Cost]
    sent: int
    failed: int
    unsent: int


def rates(before: Reading, after: Reading, services: Mapping[str, str]) -> dict[str, float]:
    """Processor time a second between two looks, by what `services` calls each unit.

    Raises BenchError for a unit that was started again meanwhile.
    """
    found = {}
    for who, service in services.items():
        used = after.units[f"{service}.service"].cpu_s - before.units[f"{service}.service"].cpu_s
        if used < 0:
            raise BenchError(f"{service} was started again while it was looked at")
        found[who] = used / (after.at - before.at)
    return found


def look(result: Result, window: Window, used: Rates, idle: Rates) -> Look:
    """Of the requests that began in a window, and what was used meanwhile. Raises BenchError when there is none."""
    began, ended = window
    found = [one for one in result.requests if began <= one.began < ended]
    good = sum(one.wrong is None for one in found)
    if not good:
        raise BenchError("no request was answered as it should be")
    more = {who: max(0.0, used[who] - idle[who]) for who in used}
    return Look(good / (ended - began), more, Latency.of(found))


HEADINGS: Final = (
    "",
    "requests/s a core",
    "by bare",
    "ms a request",
    *OTHERS,
    "answer kB",
    "p50 ms",
    "p99 ms",
)


def rows(found: Requests, base: str) -> list[tuple[str, ...]]:
    """The cells below `HEADINGS`; ratios are to the app named `base`, the larger the better."""
    whole = found.costs[base].a_core
    return [
        (
            name,
            f"{cost.a_core:.0f}",
            f"{cost.a_core / whole:.2f}",
            f"{cost.ms(APP):.2f}",
            *(f"{cost.ms(who):.2f}" for who in OTHERS),
            f"{cost.answer_bytes / 1000:.1f}",
            f"{percentile([each.latency.p50 for each in cost.looks], 50):.1f}",
            f"{percentile([each.latency.p99 for each in cost.looks], 50):.1f}",
        )
        for name, cost in found.costs.items()
    ]
