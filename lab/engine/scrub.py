"""Takes secret values out of texts before they are shown."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Final

from lab.engine.values import MASK, Secret, Value

_SHORTEST: Final = 4
"""Shorter secrets are not searched for: they would blank out half of any text."""


class Scrubber:
    """Knows the secrets of this run and replaces them by `[secret]`. Safe to call from many threads."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, value: Value) -> None:
        """Remember the secrets in a value."""
        found = set(_secret_texts(value))
        if not found <= self._texts:
            with self._lock:
                self._texts |= found
                self._pattern = None

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        with self._lock:
            if self._texts and self._pattern is None:
                longest_first = sorted(self._texts, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text


def _secret_texts(value: Value) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _texts(value.value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secret_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secret_texts(item)


def _texts(value: Value) -> Iterator[str]:
    """The strings in a secret, as they are, as JSON writes them, and line by line."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        for text in (value, value.strip(), json.dumps(value)[1:-1], *value.splitlines()):
            if len(text.strip()) >= _SHORTEST:
                yield text
