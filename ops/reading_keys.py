"""Keys by which the second place is read: from a file or standard input, as they are on no server."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Final

from ops.second_place import ReadingKeys

_WORD: Final = re.compile(r"[A-Za-z0-9/+=_.-]{1,200}")
_FORM: Final = '{"accessKey": "…", "secretKey": "…"}'


class KeysError(Exception):
    """They can't be read; the message says why, and shows none of them."""


def text_of(name: str) -> str:
    """What a file has that others can't read, `-` for standard input. Raises KeysError."""
    if name == "-":
        return sys.stdin.read()
    path = Path(name)
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except (OSError, ValueError) as error:
        raise KeysError(
            f"{name} can't be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeysError(f"{name} can be read by others: run `chmod 600 {name}`")
    return text


def reading_keys(name: str) -> ReadingKeys:
    """Raises KeysError."""
    try:
        found = json.loads(text_of(name))
        keys = [str(found[key]).strip() for key in ("accessKey", "secretKey")]
    except (ValueError, KeyError, TypeError):
        raise KeysError(f"these are no keys: write them as {_FORM}") from None
    if not all(map(_WORD.fullmatch, keys)):
        raise KeysError(f"these are no keys as providers make them: write them as {_FORM}")
    return ReadingKeys(*keys)
