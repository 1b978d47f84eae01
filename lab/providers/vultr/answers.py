"""Answers as Go decodes them: what is absent or null is the zero of its type, another type is an error."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from lab.providers.vultr.api import ApiError

Fields = Mapping[str, type]
"""Names in the answer, and `str`, `int`, `float` (of 32 bits), `bool` or `list` (of text)."""

_GO: Final = {str: "string", int: "int", float: "float32", bool: "bool", list: "[]string"}


class PanicError(ApiError):
    """Where the real plugin would dereference nil and die; here only this one operation fails."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"panic: runtime error: invalid memory address or nil pointer dereference (no {missing!r} in the answer)"
        )


def unwrapped(answer: Any, key: str) -> Any:
    """What stands under the wrapper of an answer.

    Raises:
        PanicError: there is none.
    """
    if not isinstance(answer, Mapping) or answer.get(key) is None:
        raise PanicError(key)
    return answer[key]


def decoded(found: Any, fields: Fields, place: str) -> dict[str, Any]:
    """The fields of an object, each of its type; `place` is the wrapper's name, for errors."""
    values = found if isinstance(found, Mapping) else {}
    return {name: _decoded(values.get(name), kind, f"{place}.{name}") for name, kind in fields.items()}


def _decoded(value: Any, kind: type, place: str) -> Any:
    if value is None:
        return kind()
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        word = {str: "string", bool: "bool", list: "array", dict: "object"}.get(type(value), "number")
        raise ApiError(f"json: cannot unmarshal {word} into Go struct field .{place} of type {_GO[kind]}")
    return struct.unpack("f", struct.pack("f", value))[0] if kind is float else value


def pulumi_name(name: str) -> str:
    """`v4_subnet_mask` as `v4SubnetMask`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
