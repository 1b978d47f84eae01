"""Property paths as in `ignoreChanges` and `replaceOnChanges`: `a.b[0]`, `a["x.y"]`, `a[*]`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lab.engine.values import Secret, Value

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'\.?(?P<name>[^.\["\]]+)|\[(?P<index>-?\d+)\]|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<any>\*)\]'
)


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """The elements of a path; `*` stands for any.

    Raises:
        ValueError: it is not a path.
    """
    elements: list[str | int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a property path")
        position = match.end()
        elements.append(_element(match))
    return tuple(elements)


def _element(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    if match["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", match["quoted"])
    return match["any"] or match["name"]


def contains(path: Path, other: Path) -> bool:
    """Whether `other` is at or below `path`."""
    return len(other) >= len(path) and all(
        mine in ("*", theirs) for mine, theirs in zip(path, other, strict=False)
    )


def reset(path: Path, old: Value, new: Value) -> tuple[Value, bool]:
    """`new` with the value at `path` taken from `old`, and whether that was possible.

    As in Pulumi, elements can't be added to or taken from an array this way.
    """
    return _reset(path, old, new, old_secret=False, new_secret=False)


def _reset(path: Path, old: Value, new: Value, *, old_secret: bool, new_secret: bool) -> tuple[Value, bool]:
    if isinstance(old, Secret):
        return _reset(path, old.value, new, old_secret=True, new_secret=new_secret)
    if isinstance(new, Secret):
        inner, done = _reset(path, old, new.value, old_secret=old_secret, new_secret=True)
        return (new if inner is new.value else Secret(inner)), done
    marks = {"old_secret": old_secret, "new_secret": new_secret}
    head, rest = path[0], path[1:]
    if head == "*":
        return _reset_all(rest, old, new, marks)
    if isinstance(head, int):
        return _reset_index(head, rest, old, new, marks)
    return _reset_key(head, rest, old, new, marks)


def _take(value: Value, marks: dict[str, bool]) -> Value:
    return Secret(value) if marks["old_secret"] and not marks["new_secret"] else value


def _reset_key(key: str, rest: Path, old: Value, new: Value, marks: dict[str, bool]) -> tuple[Value, bool]:
    has_old = isinstance(old, dict) and key in old
    if not rest:
        if not isinstance(new, dict):
            return new, not has_old
        without = {name: item for name, item in new.items() if name != key}
        return (without | {key: _take(old[key], marks)} if has_old else without), True
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new, not isinstance(old, dict) and not isinstance(new, dict)
    if key not in new:
        return new, not has_old
    item, done = _reset(rest, old.get(key), new[key], **marks)
    return ({**new, key: item} if done else new), done


def _reset_index(
    index: int, rest: Path, old: Value, new: Value, marks: dict[str, bool]
) -> tuple[Value, bool]:
    if index < 0:
        return new, False
    if not (isinstance(old, list) and isinstance(new, list)):
        return new, not isinstance(old, list) and not isinstance(new, list)
    if index >= len(old) or index >= len(new):
        return new, not rest and index >= len(old) and index >= len(new)
    item, done = (
        (_take(old[index], marks), True) if not rest else _reset(rest, old[index], new[index], **marks)
    )
    return ([*new[:index], item, *new[index + 1 :]] if done else new), done


def _reset_all(rest: Path, old: Value, new: Value, marks: dict[str, bool]) -> tuple[Value, bool]:
    if isinstance(new, dict):
        return _reset_every_key(rest, old, new, marks)
    if isinstance(new, list):
        return _reset_every_item(rest, old, new, marks)
    return new, False


def _reset_every_key(
    rest: Path, old: Value, new: dict[str, Any], marks: dict[str, bool]
) -> tuple[Value, bool]:
    if not isinstance(old, dict):
        return new, not rest
    if not rest:
        return {key: _take(item, marks) for key, item in old.items()}, True
    result = dict(new)
    for key, item in old.items():
        if key not in new:
            return result, False
        result[key], done = _reset(rest, item, new[key], **marks)
        if not done:
            return result, False
    return result, True


def _reset_every_item(rest: Path, old: Value, new: list[Any], marks: dict[str, bool]) -> tuple[Value, bool]:
    if not isinstance(old, list):
        return new, not rest
    result = list(new)
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        result[index], done = (
            (_take(before, marks), True) if not rest else _reset(rest, before, after, **marks)
        )
        if not done:
            return result, False
    return result, len(old) == len(new)
