"""Property values as the SDK sends and expects them: protobuf `Struct`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from lab.engine.errors import Unsupported
from lab.engine.provider import UNKNOWN
from lab.engine.values import (
    ARCHIVE_SIGNATURE,
    ASSET_SIGNATURE,
    OUTPUT_SIGNATURE,
    RESOURCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN_TEXT,
    UNKNOWN_TEXTS,
    PropertyMap,
    ResourceRef,
    Secret,
    Value,
    secret,
)

_REFUSED = {ARCHIVE_SIGNATURE: "archives", OUTPUT_SIGNATURE: "output values"}


def from_struct(struct: struct_pb2.Struct) -> PropertyMap:
    """The properties of a request.

    Raises:
        Unsupported: one of them is an asset or an archive.
    """
    return {key: from_value(value) for key, value in struct.fields.items()}


def from_value(value: struct_pb2.Value) -> Value:
    """One value of a request."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in UNKNOWN_TEXTS else text
    if kind == "struct_value":
        return _from_object(value.struct_value)
    if kind == "number_value":
        return number(value.number_value)
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    return value.bool_value if kind == "bool_value" else None


def number(value: float) -> int | float:
    """JSON has one number type: a float without a fraction is written, and kept, as an integer."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _from_object(struct: struct_pb2.Struct) -> Value:
    fields = struct.fields
    if SIGNATURE not in fields:
        return from_struct(struct)
    signature = fields[SIGNATURE].string_value
    if signature == SECRET_SIGNATURE:
        return secret(from_value(fields["value"]))
    if signature == RESOURCE_SIGNATURE:
        id_ = from_value(fields["id"]) if "id" in fields else None
        return ResourceRef(fields["urn"].string_value, id_)
    if signature == ASSET_SIGNATURE:
        return _asset({key: from_value(value) for key, value in fields.items()})
    raise Unsupported(f"{_REFUSED.get(signature, f'values of kind {signature}')} as properties")


def _asset(asset: PropertyMap) -> PropertyMap:
    """A text or file asset with the hash of its content, as Pulumi keeps it."""
    if "text" in asset:
        content = str(asset["text"]).encode()
    elif "path" in asset:
        content = Path(str(asset["path"])).read_bytes()
    else:
        raise Unsupported("remote assets")
    return asset | {"hash": hashlib.sha256(content).hexdigest()}


def to_struct(properties: PropertyMap) -> struct_pb2.Struct:
    """Properties of an answer, secrets marked and unknowns as the SDK knows them."""
    struct = struct_pb2.Struct()
    _fill(struct, properties)
    return struct


def _fill(struct: struct_pb2.Struct, properties: PropertyMap) -> None:
    fields = struct.fields
    for key, item in properties.items():
        _set(fields[key], item)


def _set(target: struct_pb2.Value, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        _fill(target.struct_value, value)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _set(target.list_value.values.add(), item)
    else:
        _set_special(target, value)


def _set_special(target: struct_pb2.Value, value: Any) -> None:
    if value is UNKNOWN:
        target.string_value = UNKNOWN_TEXT
    elif isinstance(value, Secret):
        _fill(target.struct_value, {SIGNATURE: SECRET_SIGNATURE, "value": value.value})
    elif isinstance(value, ResourceRef):
        reference = {SIGNATURE: RESOURCE_SIGNATURE, "urn": value.urn}
        _fill(target.struct_value, reference | ({} if value.id is None else {"id": value.id}))
    else:
        raise TypeError(f"not a property value: {type(value).__name__}")
