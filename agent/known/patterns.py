"""Secrets as regular expressions, and the file of them that the collector reads."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

MOST: Final = 1000
"""Expressions. Each costs the collector a tenth of a microsecond a text: a thousand double what a line costs it."""
ROOM: Final = 32_000
"""Characters of secrets in all. Each takes a third of a KiB of the collector's memory, of which it has some 90 MiB."""
_HEAD: Final = "# What is secret on this server. The agent writes it. Left out, as there is no room: "
_LEFT_OUT: Final = re.compile(re.escape(_HEAD) + r"([0-9]+)")
_LINE: Final = "- "
_ESCAPED: Final = re.compile(r"\\x\{[0-9a-f]+\}")


@dataclass(frozen=True)
class Known:
    """What the file holds: `patterns` in no order, and how many secrets had no room."""

    patterns: frozenset[str] = frozenset()
    left_out: int = 0


def pattern(text: str) -> str:
    """A regular expression (RE2) that matches this text and nothing else, of letters, digits and `\\x{…}`.

    So nothing in it has a meaning to RE2, to YAML, or to the collector, which fills in `${…}` in all that it reads.
    """
    return "".join(each if each.isascii() and each.isalnum() else f"\\x{{{ord(each):x}}}" for each in text)


def chosen(first: Iterable[str], kept: Iterable[str], then: Iterable[str]) -> Known:
    """Patterns for which there is room: of the texts `first`, then those `kept`, then of the texts `then`.

    Only of the first ones it is counted who had no room: the others are masked by their form, too.
    """
    found: set[str] = set()
    room, left_out = ROOM, 0
    urgent = sorted(map(pattern, {*first}))
    for number, each in enumerate([*urgent, *sorted(kept), *sorted(map(pattern, {*then}))]):
        size = _length(each)
        if each in found:
            continue
        if len(found) < MOST and size <= room:
            found.add(each)
            room -= size
        elif number < len(urgent):
            left_out += 1
    return Known(frozenset(found), left_out)


def _length(found: str) -> int:
    """Characters of the secret that a pattern matches."""
    return len(_ESCAPED.sub(" ", found))


def to_bytes(known: Known) -> bytes:
    """The file's content: YAML, of which JSON's strings are a part.

    Longer secrets come first: what is masked of a shorter one that is in them would leave the rest of them.
    """
    ordered = sorted(known.patterns, key=lambda each: (-_length(each), each))
    lines = [f"{_LINE}{json.dumps(each)}\n" for each in ordered]
    return "".join([f"{_HEAD}{known.left_out}\n", *(lines or ["[]\n"])]).encode()


def from_bytes(content: bytes) -> Known:
    """The same read back; of a file that isn't of the agent's hand nothing is known."""
    head, *lines = content.decode("utf-8", "replace").split("\n")
    counted = _LEFT_OUT.fullmatch(head)
    try:
        found = [json.loads(line.removeprefix(_LINE)) for line in lines if line.startswith(_LINE)]
    except ValueError:
        return Known()
    return Known(frozenset(map(str, found)), int(counted[1])) if counted else Known()


def holds(known: Known, texts: Collection[str]) -> bool:
    """Whether all of these are masked already."""
    return known.patterns.issuperset(map(pattern, texts))
