"""Whether real outputs of a stack are as the schema says, and whether it names all that is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
from pulumi.runtime import rpc

REPO: Final = Path(__file__).parents[1]
SCHEMA: Final = json.loads((REPO / "stack-outputs.schema.json").read_text())


def check(outputs: Mapping[str, Any], *, named: bool = True) -> None:
    """Fails with every difference between outputs (secrets decrypted) and schema.

    `named`: a key that the schema doesn't have is one, too, as it would be a promise that nobody made.
    """
    schema = _closed(SCHEMA) if named else SCHEMA
    errors = jsonschema.Draft202012Validator(schema).iter_errors(dict(outputs))
    assert not (found := [f"{error.json_path}: {error.message[:300]}" for error in errors]), "\n".join(found)


def decrypted(value: Any) -> Any:
    """Outputs of a state or of the recording monitor with their secrets in plain text, where that is known."""
    if rpc.is_rpc_secret(value):
        return decrypted(value["value"]) if "value" in value else "recorded"
    if isinstance(value, Mapping):
        return {key: decrypted(item) for key, item in value.items()}
    return [decrypted(item) for item in value] if isinstance(value, list | tuple) else value


def _closed(schema: Any) -> Any:
    """The schema without room for keys that it doesn't name, where it names any."""
    if isinstance(schema, Mapping):
        named = "properties" in schema
        return {
            key: False if named and (key, item) == ("additionalProperties", True) else _closed(item)
            for key, item in schema.items()
        }
    return [_closed(item) for item in schema] if isinstance(schema, list) else schema
