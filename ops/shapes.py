"""The shapes in which agents answer. A host may answer anything: what has another shape is left out, in this one place.

So one server that is broken, or somebody else's, spoils no command's view of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Shape = Callable[[object], object]
"""Gives a value in its shape, or `_ABSENT` for one that has another."""

_ABSENT: Final = object()
_MOST_SECONDS: Final = 1e9


def shaped(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An agent's answer with all that the commands take apart in its shape; what they only show is as it is."""
    return _parts(answer, _ANSWER)


def _parts(found: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Any]:
    known = {key: shapes[key](value) if key in shapes else value for key, value in found.items()}
    return {key: value for key, value in known.items() if value is not _ABSENT}


def _one(shapes: Mapping[str, Shape]) -> Shape:
    def shape(value: object) -> object:
        if value is None:
            return None
        return _parts(value, shapes) if isinstance(value, Mapping) else _ABSENT

    return shape


def _many(shapes: Mapping[str, Shape]) -> Shape:
    def shape(value: object) -> object:
        if not isinstance(value, list):
            return _ABSENT
        return [_parts(each, shapes) for each in value if isinstance(each, Mapping)]

    return shape


def _texts(value: object) -> object:
    return [str(each) for each in value] if isinstance(value, list) else _ABSENT


def _text(value: object) -> object:
    return value if isinstance(value, str) else _ABSENT


def _flag(value: object) -> object:
    return value if value is None or isinstance(value, bool) else _ABSENT


def _seconds(value: object) -> object:
    """A length of time that can be shown and added; so neither infinity nor a number of a thousand digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _ABSENT
    return value if -1 < value < _MOST_SECONDS else _ABSENT  # not a number is neither


_RELEASE: Final[Mapping[str, Shape]] = {"duration_s": _seconds}
_PROJECT: Final[Mapping[str, Shape]] = {
    "release": _one(_RELEASE),
    "previous": _one(_RELEASE),
    "withdrawn": _one(_RELEASE),
    "history": _many(_RELEASE),
    "workers": _many({}),
    "crashed": _text,
}
_ANSWER: Final[Mapping[str, Shape]] = {
    "projects": _many(_PROJECT),
    "release": _one(_RELEASE),
    "health": _one({}),
    "problems": _many({}),
    "variables": _many({"secret": _flag}),
    "warnings": _texts,
}
