"""Read a document from outside key by key; each error carries the path to the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from codeb.plan.problems import PlanError, Problem

REMEDY = "Restore the stack's state from a backup, or correct the entry in the state."


class Reader:
    """A mapping from outside with its path, read key by key."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        if not isinstance(value, Mapping):
            raise self.wrong("", f"expected a mapping, got {_shown(value)}")
        self.value: Mapping[str, Any] = value

    def wrong(self, key: str, cause: str) -> PlanError:
        return PlanError([Problem(f"{self.path}.{key}".rstrip("."), cause, REMEDY)])

    def mapping(self, key: str) -> Mapping[str, Any]:
        return Reader(f"{self.path}.{key}", self.value.get(key)).value

    def child(self, key: str) -> Reader | None:
        value = self.value.get(key)
        return None if value is None else Reader(f"{self.path}.{key}", value)

    def children(self, key: str) -> list[Reader]:
        return [Reader(f"{self.path}.{key}[{i}]", item) for i, item in enumerate(self._list(key))]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.value.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f"expected text, got {_shown(value)}")
        return value

    def texts(self, key: str) -> list[str]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "expected a list of texts")
        return cast("list[str]", list(values))

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.value.get(key, default)
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        if not whole or not low <= cast(float, value) <= high:
            raise self.wrong(key, f"expected a whole number from {low} to {high}, got {_shown(value)}")
        return int(cast(float, value))

    def optional_number(self, key: str) -> int | None:
        return None if self.value.get(key) is None else self.number(key, 0, 2**63)

    def _list(self, key: str) -> list[object]:
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.wrong(key, f"expected a list, got {_shown(value)}")
        return list(value)


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
