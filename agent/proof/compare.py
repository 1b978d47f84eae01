"""Rows by table, as they were noted and as they came back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MOST: Final = 5


def differences(noted: Mapping[str, int], found: Mapping[str, int]) -> tuple[str, ...]:
    """What is not as it was noted, a line a table, in the order of their names."""
    lines = []
    for name in sorted({*noted, *found}):
        was, now = noted.get(name), found.get(name)
        if was == now:
            continue
        if now is None:
            lines.append(f"{name} is missing")
        elif was is None:
            lines.append(f"{name} was not there")
        else:
            lines.append(f"{name} has {now} rows and had {was}")
    return tuple(lines)


def in_words(lines: tuple[str, ...]) -> str:
    """The first few of them."""
    rest = len(lines) - _MOST
    return "; ".join([*lines[:_MOST], *([f"and {rest} more"] if rest > 0 else [])])
