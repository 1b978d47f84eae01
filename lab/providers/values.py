"""Property values as providers see them: equality, and the paths at which two of them differ.

The rules are those of the Pulumi SDK's `resource.PropertyMap.Diff` and `NewDetailedDiffFromObjectDiff`: a
missing key and a null are the same, and a path names the innermost value that was added, removed or changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lab.providers.protocol import UNKNOWN

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$]*")


def equal(old: Any, new: Any) -> bool:
    """Whether two property values are the same; `True` is not 1, 22 is 22.0, and UNKNOWN equals nothing."""
    return not list(changed_paths(old, new))


def changed_paths(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Paths (`connection.port`, `triggers[0]`) at which `new` differs from `old`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _changed_in_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _changed_in_lists(old, new, path)
    elif not _same_scalar(old, new):
        yield path


def _changed_in_objects(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        yield from changed_paths(old.get(key), new.get(key), _join(path, key))


def _changed_in_lists(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    for index in range(max(len(old), len(new))):
        here = f"{path}[{index}]"
        if index < len(old) and index < len(new):
            yield from changed_paths(old[index], new[index], here)
        else:
            yield here


def _same_scalar(old: Any, new: Any) -> bool:
    if old is UNKNOWN or new is UNKNOWN:
        return False
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _join(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def top_level(path: str) -> str:
    """The input that a path starts in: `connection` of `connection.port`."""
    match = _PLAIN_KEY.match(path)
    return match.group() if match else path


def contains_unknown(value: Any) -> bool:
    """Whether a value is, or holds somewhere, UNKNOWN."""
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return value is UNKNOWN
