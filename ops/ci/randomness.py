"""Which words of a log nobody could have made up: a long random string may be a secret, a digest or a name is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_SHORTEST: Final = 24
_CANDIDATE: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}(?![A-Za-z0-9+/_-])")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_DIGESTS: Final = frozenset({24, 32, 40, 56, 64, 96, 128})
"""Lengths of object ids, MD5, commits and SHA-2 in hexadecimal digits."""
_LONGEST_PLAIN_HEX: Final = 40
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SUM: Final = re.compile(r"(?:sha(?:1|224|256|384|512)|md5|h1)[-:=@]", re.IGNORECASE)
_BEFORE: Final = 8
_WORD: Final = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}|[0-9]{4,}")
_MIXED: Final = 0.40
_TWO_KINDS: Final = 0.28
_MOSTLY_WORDS: Final = 0.5
_AWS: Final = re.compile(r"[A-Za-z0-9+/]{40}")
_AWS_WORDS: Final = 0.7


def random_strings(text: str) -> Iterator[tuple[int, int]]:
    """Where long random strings are."""
    for found in _CANDIDATE.finditer(text):
        near = text[max(0, found.start() - _BEFORE) : found.start() + _BEFORE]
        if not _SUM.search(near) and is_random(found[0]):
            yield found.span()


def is_random(text: str) -> bool:
    """Whether a string of letters, digits and `+/_-=` looks drawn by lot: kinds of characters change more than in words."""
    body = text.rstrip("=").strip("/_-")
    if len(body) < _SHORTEST or _UUID.fullmatch(body):
        return False
    if _HEX.fullmatch(body):
        return len(body) not in _DIGESTS and len(body) > _LONGEST_PLAIN_HEX
    kinds = {_kind(letter) for letter in body} - {"-"}
    if "0" not in kinds or len(kinds) < 2:
        return False
    changes = sum(
        first != second
        for first, second in zip(map(_kind, body), map(_kind, body[1:]), strict=False)
        if "-" not in (first, second)
    ) / len(body)
    if len(kinds) == 2:
        return changes >= _TWO_KINDS
    words = sum(len(word) for word in _WORD.findall(body)) / len(body)
    if _AWS.fullmatch(body) and words < _AWS_WORDS and changes >= _TWO_KINDS / 2:
        return True
    return changes >= _MIXED or (words < _MOSTLY_WORDS and changes >= _TWO_KINDS)


def _kind(letter: str) -> str:
    return "0" if letter.isdigit() else "a" if letter.islower() else "A" if letter.isupper() else "-"
