"""Requests as k6 noted them: what failed, and how long they took inside and outside of windows of time. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

Window = tuple[float, float]
_COLUMNS = 5


@dataclass(frozen=True)
class Row:
    """One line of k6's CSV: a metric's value at a time (seconds since the epoch) with its tags."""

    metric: str
    at: float
    value: float
    tags: Mapping[str, str]


def rows(lines: Iterable[str], *metrics: str) -> list[Row]:
    """The rows of these metrics; a last line that is cut off is left out."""
    wanted = tuple(f"{metric}," for metric in metrics)
    found = []
    for line in lines:
        cells = line.split(",") if line.startswith(wanted) else []
        if len(cells) == _COLUMNS:
            metric, at, value, tags, _ = cells
            found.append(Row(metric, int(at) / 1000, float(value), dict(parse_qsl(tags))))
    return found


@dataclass(frozen=True)
class Sample:
    """One request: when it began (seconds), how long it took as a whole (ms), and what was wrong, if anything."""

    began: float
    ms: float
    kind: str
    method: str
    proto: str
    wrong: str | None

    @property
    def ended(self) -> float:
        """When the answer was there or given up (seconds)."""
        return self.began + self.ms / 1000


def requests(found: Iterable[Row]) -> list[Sample]:
    """The `whole` rows as samples."""
    return [
        Sample(
            began=row.at - row.value / 1000,
            ms=row.value,
            kind=row.tags["kind"],
            method=row.tags["method"],
            proto=row.tags.get("proto", ""),
            wrong=row.tags.get("wrong"),
        )
        for row in found
        if row.metric == "whole"
    ]


def unsent(found: Iterable[Row]) -> int:
    """Requests that k6 should have sent and could not, as all its users were waiting."""
    return int(sum(row.value for row in found if row.metric == "dropped_iterations"))


def failures(samples: Iterable[Sample]) -> Counter[str]:
    """How many requests failed, by kind, method and reason."""
    return Counter(f"{one.kind} {one.method}: {one.wrong}" for one in samples if one.wrong)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` % of the values do not exceed (nearest rank). NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def within(samples: Iterable[Sample], windows: Sequence[Window]) -> list[Sample]:
    """Samples that were under way in one of the windows: begun before its end, ended after its begin."""
    return [one for one in samples if any(one.began <= end and one.ended >= begin for begin, end in windows)]
