"""The outputs' JSON Schema (2020-12), generated from the types."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from codeb.model.schema import Generator
from codeb.outputs import VERSIONS
from codeb.outputs.stack import StackOutputs

_COMMENT = "Written by `codeb schema --outputs` from codeb/outputs: change that instead."


def outputs_schema() -> dict[str, Any]:
    """JSON Schema of all outputs of a stack, secrets decrypted; `x-version` is the version of each."""
    schema = StackOutputs.model_json_schema(schema_generator=Generator)
    definitions = schema.pop("$defs")
    properties = {
        name: described | ({"x-version": VERSIONS[name]} if name in VERSIONS else {})
        for name, described in schema.pop("properties").items()
    }
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$comment": _COMMENT,
        "title": "Outputs of a CodeB stack",
        **{key: value for key, value in schema.items() if key != "title"},
        "properties": properties,
        "$defs": definitions,
    }


def outputs_schema_text() -> str:
    """Content of `stack-outputs.schema.json`."""
    return json.dumps(outputs_schema(), indent=2, ensure_ascii=False) + "\n"
