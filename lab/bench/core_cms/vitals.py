"""What a browser saw of a first load, as Lighthouse counts it: bytes by kind, paints, when the page is interactive. Pure.

Time to interactive is that of github.com/GoogleChrome/lighthouse, core/computed/metrics/interactive.js, as observed; total
blocking time that of https://web.dev/articles/tbt. Times are milliseconds since the navigation began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.load.samples import percentile

LONG_MS: Final = 50
"""A task from this length on blocks, for what it is longer (W3C Long Tasks)."""
QUIET_MS: Final = 5000
"""How long processor and network have to be quiet."""
AT_ONCE: Final = 2
"""GET requests under way that still count as quiet."""
KINDS: Final = {
    "Document": "document",
    "Script": "scripts",
    "Stylesheet": "styles",
    "Image": "pictures",
}
"""By the browser's names (ResourceType of the DevTools protocol); everything else is `OTHER`."""
OTHER: Final = "others"

Span = tuple[float, float]


@dataclass(frozen=True)
class Asked:
    """One request: the kind and method, when it began and ended, bytes as transferred (with headers) and unpacked.

    `ended` is None for one that never did, as an event stream.
    """

    kind: str
    method: str
    began: float
    ended: float | None = None
    failed: bool = False
    bytes: int = 0
    unpacked: int = 0


@dataclass(frozen=True)
class Page:
    """One first load: requests, long tasks, first and largest paint, when the document was parsed, until when was looked."""

    requests: Sequence[Asked]
    tasks: Sequence[Span]
    first_paint: float
    largest_paint: float
    parsed: float
    until: float

    @property
    def interactive(self) -> float | None:
        """Time to interactive: the end of the last long task before both were quiet; None when that was not seen."""
        calm = list(_calm(self.requests, self.until))
        for idle in _idle(self.tasks, self.until):
            for quiet in calm:
                began, ended = max(idle[0], quiet[0], self.largest_paint), min(idle[1], quiet[1])
                if ended - began >= QUIET_MS:
                    return max(idle[0], self.first_paint, self.parsed)
        return None

    @property
    def blocked(self) -> float:
        """Total blocking time: what tasks between the first paint and time to interactive were longer than `LONG_MS`."""
        until = self.until if self.interactive is None else self.interactive
        parts = (min(end, until) - max(began, self.first_paint) for began, end in self.tasks)
        return sum(part - LONG_MS for part in parts if part > LONG_MS)

    def bytes(self, *kinds: str) -> int:
        """Transferred: of all requests, or of those kinds."""
        return sum(each.bytes for each in self.requests if not kinds or each.kind in kinds)

    @property
    def unpacked(self) -> int:
        """Bytes of scripts as the browser has to read them."""
        return sum(each.unpacked for each in self.requests if each.kind == KINDS["Script"])


def _idle(tasks: Sequence[Span], until: float) -> Iterator[Span]:
    """When no long task ran."""
    since = 0.0
    for began, ended in sorted(tasks):
        yield since, began
        since = ended
    yield since, until


def _calm(requests: Sequence[Asked], until: float) -> Iterator[Span]:
    """When not too many were under way: GETs that ended well, as Lighthouse counts."""
    counted = [each for each in requests if each.method == "GET" and not each.failed]
    ended = [(each.began, each.ended) for each in counted if each.ended is not None]
    moments = sorted([(began, 1) for began, _ in ended] + [(end, -1) for _, end in ended])
    since, running = 0.0, 0
    for at, step in moments:
        if running <= AT_ONCE < running + step:
            yield since, at
        elif running > AT_ONCE >= running + step:
            since = at
        running += step
    if running <= AT_ONCE:
        yield since, until


@dataclass(frozen=True)
class Loads:
    """Several first loads of one page."""

    pages: Sequence[Page]

    def figures(self) -> dict[str, float]:
        """The medians: kilobytes (1000), milliseconds, requests. Raises ValueError for a page that never was interactive."""
        kinds = {name: [page.bytes(name) / 1000 for page in self.pages] for name in (*KINDS.values(), OTHER)}
        found = {
            **{f"{name}, kB": values for name, values in kinds.items()},
            "transferred, kB": [page.bytes() / 1000 for page in self.pages],
            "scripts unpacked, kB": [page.unpacked / 1000 for page in self.pages],
            "requests": [float(len(page.requests)) for page in self.pages],
            "first contentful paint, ms": [page.first_paint for page in self.pages],
            "largest contentful paint, ms": [page.largest_paint for page in self.pages],
            "total blocking time, ms": [page.blocked for page in self.pages],
            "time to interactive, ms": [_known(page.interactive) for page in self.pages],
        }
        return {name: percentile(values, 50) for name, values in found.items()}

    def as_json(self) -> dict[str, Any]:
        """The medians, and each load's."""
        return {"medians": self.figures(), "loads": [Loads([page]).figures() for page in self.pages]}


def _known(interactive: float | None) -> float:
    if interactive is None:
        raise ValueError("the page was not seen to become interactive")
    return interactive
