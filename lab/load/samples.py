"""Requests as vegeta noted them: what failed, and how long they took inside and outside of windows of time. Pure."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

Window = tuple[float, float]
# The part of an order's URL that says what the answer must name.
REFERENCE = "reference"


@dataclass(frozen=True)
class Sample:
    """One request: when it began (seconds), how long it took as a whole (ms), and what was wrong, if anything."""

    began: float
    ms: float
    kind: str
    method: str
    wrong: str | None

    @property
    def ended(self) -> float:
        """When the answer was there or given up (seconds)."""
        return self.began + self.ms / 1000


Judge = Callable[[dict[str, Any]], str | None]
"""What is wrong with a result, if anything."""


def _sample(result: dict[str, Any], kind: str, wrong: Judge) -> Sample:
    return Sample(
        began=datetime.fromisoformat(result["timestamp"]).timestamp(),
        ms=result["latency"] / 1e6,
        kind=kind,
        method=result["method"],
        wrong=wrong(result),
    )


def judge(marks: Mapping[str, str]) -> Judge:
    """A judge of what a visitor would miss; `marks` is what the answer to a GET holds, by path."""
    return lambda result: _missed(result, marks)


def _missed(result: dict[str, Any], marks: Mapping[str, str]) -> str | None:
    """A POST answered 200 instead of 201 was sent twice by somebody on the way."""
    if result["code"] == 0:
        # Go's errors end with the cause; what comes before names ports and URLs, by which nothing could be counted.
        return f"error: {result['error'].rpartition(': ')[2]}"
    right = 201 if result["method"] == "POST" else 200
    if result["code"] != right:
        return f"status {result['code']}"
    url = urlsplit(result["url"])
    reference = parse_qs(url.query).get(REFERENCE, [])
    expected = json.dumps(reference[0]) if reference else marks[url.path]
    return None if expected.encode() in base64.b64decode(result["body"] or "") else "another answer"


def requests(lines: Iterable[bytes], kind: str, wrong: Judge) -> list[Sample]:
    """The lines of `vegeta encode -to json` as samples of this kind of traffic."""
    return [_sample(json.loads(line), kind, wrong) for line in lines]


def unsent(sent: int, rate: float, seconds: float) -> int:
    """How many requests are missing of those that should have been sent in this time."""
    return max(0, round(rate * seconds) - sent)


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
