"""Keys that may read a store elsewhere: a person brings them for one call, and nothing here keeps them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_LONGEST: Final = 64 << 10
_FORM: Final = '{"accessKey": "…", "secretKey": "…"}'


class BadKeys(Exception):
    """The file can't be read, or is none of keys; the message shows nothing of it."""


def reading_keys(source: str) -> Mapping[str, str]:
    """As the agent takes them, from this file, or from standard input for `-`. Raises BadKeys."""
    where = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read(_LONGEST) if source == "-" else Path(source).read_text()
        open_to_others = source != "-" and Path(source).stat().st_mode & 0o077
        found: Any = json.loads(text)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise BadKeys(f"{where} can't be read: {why}") from None
    except ValueError:
        raise BadKeys(f"{where} is no JSON: write {_FORM}") from None
    if open_to_others:
        raise BadKeys(f"{where} can be read by others: run `chmod 600 {where}`")
    if not isinstance(found, dict) or set(found) != {"accessKey", "secretKey"}:
        raise BadKeys(f"{where} is no document of keys: write {_FORM}")
    for name, value in found.items():
        if not isinstance(value, str) or not value or not value.isprintable():
            raise BadKeys(f"{where}: {name} must be a string of one line")
    return {"access_key": found["accessKey"], "secret_key": found["secretKey"]}
