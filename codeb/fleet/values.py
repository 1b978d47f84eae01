"""Values from the API and the state, which may have any shape: read without trust, shown without harm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a preview says for a value that only an update will know."""

_LONGEST: Final = 120
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}(?:,[A-Za-z0-9-]{1,64})?")


def text(value: Mapping[str, Any], key: str) -> str:
    """A text or number as text; "" for anything else."""
    found = value.get(key)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def number(value: object) -> float | None:
    """A number that is no truth value."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    """The mappings of a list."""
    return tuple(each for each in texts_or_more(value) if isinstance(each, Mapping))


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(each for each in texts_or_more(value) if isinstance(each, str))


def texts_or_more(value: object) -> Sequence[object]:
    """A list; anything else is an empty one."""
    return value if isinstance(value, list | tuple) else ()


def shown(value: object) -> str:
    """A text of somebody else as a terminal may show it: one line, no control characters, not endless."""
    line = "".join(c if c.isprintable() else "?" for c in str(value))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def is_id(value: str) -> bool:
    """Whether it can be an id: only then it gets into a command line that people copy, or into a path."""
    return _ID.fullmatch(value) is not None
