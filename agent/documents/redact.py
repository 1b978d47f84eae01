"""Keeps secrets out of what people read: every known value is masked before a text leaves the agent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

MASK: Final = "*****"
_SHORTEST: Final = 6  # shorter values are words like "true" or "3000"; masking them would hide the cause


class Redactor:
    """Masks the given values, each of their lines, and the passwords in those that are URLs.

    Values that are pages of the app's own `domain` are public: masking them would hide where something failed.
    """

    def __init__(self, values: Iterable[str], domain: str = "") -> None:
        found: set[str] = set()
        own = f"https://{domain}"
        for value in values:
            if domain and (value == own or value.startswith(f"{own}/")) and not re.search(r"[?#@]", value):
                continue
            found.update(
                part for part in (value, *value.splitlines(), *_passwords(value)) if len(part) >= _SHORTEST
            )
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
