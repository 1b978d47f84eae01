"""Keeps secrets out of what people read: every known value is masked before a text leaves the agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

MASK: Final = "*****"
_SHORTEST: Final = 6  # shorter values are words like "true" or "3000"; masking them would hide the cause


class Redactor:
    """Masks the given values, and the passwords in those that are URLs."""

    def __init__(self, values: Iterable[str]) -> None:
        found: set[str] = set()
        for value in values:
            found.update(part for part in (value, *_passwords(value)) if len(part) >= _SHORTEST)
        self._values = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with every known value replaced by `*****`."""
        for value in self._values:
            text = text.replace(value, MASK)
        return text


def _passwords(value: str) -> list[str]:
    try:
        password = urlsplit(value).password
    except ValueError:
        return []
    return [] if password is None else [password, unquote(password)]
