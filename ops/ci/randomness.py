"""Which words of a log nobody made up: a long string drawn by lot may be a secret, a digest, a path or a name is none.

Names are made of words, whatever their style: `deliveryTrackingV2`, `test_of_2026`. In a string of letters and digits that
was drawn by lot such words are two characters long on average. Of 200,000 strings of 40 characters of base64 none had words
as long as `_LONG_WORDS`, of 24 characters 0.3 % had some as `_SHORT_WORDS`; of 1,100 names in
sources with a digit some twenty have shorter ones, nearly all of them base64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_SHORTEST: Final = 24
_LONG: Final = 40
_CANDIDATE: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}(?![A-Za-z0-9+/_-])")
_KNOWN: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}"
    r"|[0-9a-fA-F]{128}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{4}-\d\d-\d\dT[\d-]{2,12}Z?)(?![0-9A-Za-z])"
)
"""Commits, digests, identifiers and times."""
_SUM: Final = re.compile(r"(?:sha(?:1|224|256|384|512)|md5|h1)[-:=@]", re.IGNORECASE)
_NEAR: Final = 8
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SHORT_WORDS: Final = 3.0
_LONG_WORDS: Final = 4.2


def random_strings(text: str) -> Iterator[tuple[int, int]]:
    """Where long random strings are."""
    for found in _CANDIDATE.finditer(text):
        near = text[max(0, found.start() - _NEAR) : found.start() + _NEAR]
        if not _SUM.search(near) and is_random(found[0]):
            yield found.span()


def is_random(text: str) -> bool:
    """Whether a string of letters of both cases, digits and `+/_-=` looks drawn by lot."""
    body = _KNOWN.sub("/", text.rstrip("=")).strip("/_-")
    if len(body) < _SHORTEST or not _is_mixed(body):
        return False
    words = _WORD.findall(body)
    return sum(map(len, words)) / len(words) < (_SHORT_WORDS if len(body) < _LONG else _LONG_WORDS)


def _is_mixed(body: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit)
    return all(any(map(kind, body)) for kind in kinds)
