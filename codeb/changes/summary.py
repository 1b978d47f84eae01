"""A summary: a table of short texts, what → how it is to be, and its form as comments of a shell command."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Summary = Mapping[str, str]

LONGEST: Final = 96
"""Characters of a text in a summary: four hundred of them still fit into one argument of a command (128 KiB)."""
UNNOTED: Final = "last deployed by a version of CodeB that did not note what it deployed"
_START: Final = "# "
_DIGITS: Final = 12


@dataclass(frozen=True)
class Digest:
    """Short digests under a key that is secret: equal texts show as equal, and no weak one can be guessed."""

    key: bytes = field(repr=False)

    def of(self, *parts: str) -> str:
        """48 bits of the parts."""
        return hmac.new(self.key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def shortened(text: str, digest: Digest) -> str:
    """The text, or its beginning and a digest of all of it."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - _DIGITS - 2]}… {digest.of(text)}"


def to_comments(summary: Summary) -> str:
    """Lines that a shell reads over, in the order of their names; whatever a text holds, it stays on its line.

    The same summary gives the same lines: a preview of a run that changes nothing shows nothing.
    """
    return "".join(
        f"\n{_START}{json.dumps(key)[1:-1]}: {json.dumps(summary[key])}" for key in sorted(summary)
    )


def from_comments(command: object) -> dict[str, str]:
    """The summary in a command's text; empty when it has none, as commands of older versions."""
    found = {}
    for line in str(command).split("\n"):
        name, colon, text = line.removeprefix(_START).partition(': "')
        if line.startswith(_START) and colon:
            found[json.loads(f'"{name}"')] = str(json.loads(f'"{text}'))
    return found
