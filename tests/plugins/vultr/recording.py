"""What the real plugin was recorded to call (`tests/data/vultr-wire.json`), as a script for the server.

In a recording `{NAME}` stands for an id. Answers that were cut to a status are filled up with what is known of the thing.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.plugins.vultr.server import Answer, Call

WIRE = Path(__file__).parents[2] / "data/vultr-wire.json"
_NAME = re.compile(r"\{(\w+)\}")
_GIVEN_TIME = 0.45
"""Seconds by which a recorded time may be later than the waits before it: the calls themselves took that."""


@cache
def wire() -> Any:
    return json.loads(WIRE.read_text())


class Recording:
    """The calls of one operation on one resource, with ids in place of their names."""

    def __init__(
        self, resource: str, operation: str, ids: Mapping[str, str], only: str = ".", base: Any = None
    ) -> None:
        """`only` is what a path must match; `base` what is known of the thing where an answer was cut."""
        self._operation = operation
        calls = [_with_ids(call, ids) for call in wire()[resource][operation]]
        self._calls = [call for call in calls if re.search(only, call["path"])]
        self._left = list(self._calls)
        self.base = base

    def answer(self, call: Call) -> Answer:
        """The next recorded answer to this call."""
        for number, recorded in enumerate(self._left):
            if (recorded["method"], recorded["path"]) == (call.method, call.path):
                del self._left[number]
                return self._answered(recorded)
        return Answer(418, {"error": f"not recorded: {call}", "status": 418})

    def _answered(self, recorded: Mapping[str, Any]) -> Answer:
        if recorded["status"] == "cut":
            return Answer(cut=True)
        body = recorded.get("answer")
        asks = recorded["status"] == 429 and self._operation.endswith("retry_after_4")
        headers = {"Retry-After": "4"} if asks else {}
        if _is_whole(body):
            self.base = body
        elif isinstance(body, dict) and body.keys() <= {"status", "power_status"} and self.base:
            body = _filled(self.base, body)
        return Answer(recorded["status"], body, headers)

    def expected(self) -> list[Call]:
        return [Call(call["method"], call["path"], call.get("body")) for call in self._calls]

    def times(self) -> Iterator[float]:
        """When each call came, in seconds since the operation began, as far as it was recorded."""
        now = 0.0
        for call in self._calls:
            now = call.get("at_s", now + call.get("wait_before_s", 0))
            yield now


def made_as_recorded(recording: Recording, calls: list[Call]) -> None:
    """The same calls in the same order, with the same bodies, at the same times."""
    shown = [str(call) for call in calls]
    assert shown == [str(call) for call in recording.expected()]
    for call, expected, at_s in zip(calls, recording.expected(), recording.times(), strict=True):
        assert call.body == expected.body, call
        assert -0.1 <= at_s - call.at_s <= _GIVEN_TIME, (call.at_s, at_s, str(call))


def _is_whole(body: Any) -> bool:
    """Whether an answer holds a thing: with an id, under a wrapper or without one."""
    inner = next(iter(body.values())) if isinstance(body, dict) and len(body) == 1 else body
    return isinstance(inner, dict) and bool({"id", "domain"} & inner.keys())


def _filled(base: Any, word: Mapping[str, Any]) -> Any:
    whole = copy.deepcopy(base)
    target = next(iter(whole.values())) if len(whole) == 1 else whole
    target.update(word)
    return whole


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_ids(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_ids(item, ids) for item in value]
    if isinstance(value, str):
        return _NAME.sub(lambda match: ids.get(match[1], match[1].lower()), value)
    return value
