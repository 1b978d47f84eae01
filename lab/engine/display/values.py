"""Property values as text, secrets hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lab.engine.provider import UNKNOWN
from lab.engine.values import MASK, UNKNOWN_TEXT, PropertyMap, ResourceRef, Secret, Value, equal

ADDED, REMOVED, CHANGED, SAME = "+", "-", "~", " "


def inline(value: Value, limit: int = 200) -> str:
    """A value on one line."""
    text = _inline(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _inline(value: Value) -> str:
    if isinstance(value, Secret):
        return MASK
    if value is UNKNOWN:
        return "[unknown]"
    if isinstance(value, ResourceRef):
        return json.dumps(value.urn)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def to_json(value: Value, *, show_secrets: bool = False) -> Any:
    """A value as JSON for users."""
    if isinstance(value, Secret):
        return to_json(value.value, show_secrets=True) if show_secrets else MASK
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, ResourceRef):
        return value.urn
    if isinstance(value, dict):
        return {key: to_json(item, show_secrets=show_secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item, show_secrets=show_secrets) for item in value]
    return value


def outputs_text(old: PropertyMap, new: PropertyMap) -> Iterator[str]:
    """The stack's outputs, and how they changed, a line each."""
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield f"  - {key}: {inline(old[key])}"
        elif key not in old:
            yield f"  + {key}: {inline(new[key])}"
        elif equal(old[key], new[key]):
            yield f"    {key}: {inline(new[key])}"
        else:
            yield f"  ~ {key}: {inline(old[key])} => {inline(new[key])}"


def difference(old: PropertyMap, new: PropertyMap, indent: str) -> Iterator[str]:
    """The properties that differ, a line each; objects are entered."""
    width = max((len(key) for key in old.keys() | new.keys()), default=0)
    for key in sorted(old.keys() | new.keys()):
        before, now = old.get(key), new.get(key)
        label = f"{key:{width}}"
        if equal(before, now):
            continue
        if before is None:
            yield f"{indent}+ {label}: {inline(now)}"
        elif now is None:
            yield f"{indent}- {label}: {inline(before)}"
        elif isinstance(before, dict) and isinstance(now, dict):
            yield f"{indent}~ {label}: {{"
            yield from difference(before, now, indent + "    ")
            yield f"{indent}  }}"
        else:
            yield f"{indent}~ {label}: {inline(before)} => {inline(now)}"


def listing(properties: PropertyMap, indent: str) -> Iterator[str]:
    """All properties, a line each."""
    width = max(map(len, properties), default=0)
    for key in sorted(properties):
        yield f"{indent}{key:{width}}: {inline(properties[key])}"
