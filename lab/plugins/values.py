"""Property values: protobuf structs on the wire, here plain Python with `Secret` marks, in providers without marks.

The signatures are those of the Pulumi SDK (`resource.SigKey` and its neighbours).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from lab.providers.protocol import UNKNOWN

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a protocol constant)
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Unknown values: of any type, boolean, number, array, object."""

_WHOLE: Final = 1e15
"""Below this a number without a fraction is an integer; protobuf has doubles only."""


@dataclass(frozen=True)
class Secret:
    """A value that the CLI shows as `[secret]` and stores encrypted."""

    value: Any

    def __repr__(self) -> str:
        return "[secret]"


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a request, secrets marked."""
    return {key: _decoded(value) for key, value in struct.fields.items()}


def _decoded(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
            return Secret(_decoded(fields["value"]))
        return decode(value.struct_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _WHOLE else number
    if kind == "list_value":
        return [_decoded(item) for item in value.list_value.values]
    return value.bool_value if kind == "bool_value" else None


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties of an answer."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode(struct.fields[key], value)
    return struct


def _encode(target: struct_pb2.Value, value: Any) -> None:
    if value is UNKNOWN:
        target.string_value = UNKNOWN_TEXT
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for item in value:
            _encode(target.list_value.values.add(), item)
    else:
        target.struct_value.SetInParent()
        fields = {SIGNATURE: SECRET, "value": value.value} if isinstance(value, Secret) else value
        for key, item in fields.items():
            _encode(target.struct_value.fields[key], item)


def plain(value: Any) -> Any:
    """The value without marks."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def marked_like(value: Any, model: Any) -> Any:
    """`value` with secret marks where `model` has them; marks below a secret are kept where nothing else differs."""
    if isinstance(model, Secret):
        return model if plain(model) == (found := plain(value)) else Secret(found)
    if isinstance(value, dict) and isinstance(model, dict):
        return {key: marked_like(item, model[key]) if key in model else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(model, list):
        return [marked_like(item, model[i]) if i < len(model) else item for i, item in enumerate(value)]
    return value


def marked_at(value: Any, paths: Iterable[str]) -> Any:
    """`value` with secret marks at paths such as `connection.privateKey`; what is null or absent stays so."""
    for path in paths:
        value = _marked(value, path.split("."))
    return value


def _marked(value: Any, path: list[str]) -> Any:
    if isinstance(value, Secret):
        return Secret(_marked(value.value, path)) if path else value
    if value is None:
        return value
    if not path:
        return Secret(value)
    if isinstance(value, dict) and path[0] in value:
        return value | {path[0]: _marked(value[path[0]], path[1:])}
    return value
