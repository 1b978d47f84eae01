"""What a run of `make bench-cms` may have seen."""

from __future__ import annotations

from collections.abc import Mapping

from lab.bench.core_cms.apps import CACHED, DIRECT, PLAIN
from lab.bench.core_cms.cost import APP, OTHERS, Cost, Look, Requests
from lab.bench.core_cms.images import Started
from lab.bench.core_cms.tables import Seen
from lab.bench.core_cms.vitals import Asked, Loads, Page
from lab.bench.releases.verdict import Latency

DOCUMENT = Asked("document", "GET", 0, 80, bytes=4_000, unpacked=12_000)
SCRIPT = Asked("scripts", "GET", 90, 140, bytes=100_000, unpacked=300_000)
QUIET = Page([DOCUMENT, SCRIPT], [], first_paint=200, largest_paint=250, parsed=150, until=6000)


def used(app: float) -> Mapping[str, float]:
    return {APP: app, **dict.fromkeys(OTHERS, 0.01)}


def seen(failed: int = 0, unsent: int = 0) -> Seen:
    def costs(app: float) -> Cost:
        looks = [Look(40, used(app * factor), Latency(800, 4.0, 5.0, 6.0)) for factor in (0.9, 1.0, 3.0)]
        return Cost(looks, 20_000)

    apps = {PLAIN.name: costs(0.02), CACHED.name: costs(0.04), DIRECT.name: costs(0.08)}
    started = {
        PLAIN.name: Started(250_000_000, 200_000_000, [0.5, 0.7, 0.6], [0.9, 1.1, 1.0]),
        CACHED.name: Started(300_000_000, 200_000_000, [1.2], [1.8]),
    }
    loads = {PLAIN.name: Loads([QUIET]), CACHED.name: Loads([QUIET])}
    return Seen(Requests(40, apps, 2400, failed, unsent), loads, started)
