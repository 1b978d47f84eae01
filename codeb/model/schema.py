"""The manifest's JSON Schema (2020-12), for editors and other tools, generated from the models."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from codeb.model.manifest import Manifest

_HEADER = "# Written by `codeb schema` from codeb/model/manifest.py: change that instead.\n"


class Generator(GenerateJsonSchema):
    """Defaults as an author would write them, and no titles that only repeat the key."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        default = described.get("default")
        if default is None or isinstance(default, dict):  # sections show the defaults of their own keys
            described.pop("default", None)
        elif (written := schema["schema"].get("serialization")) and "function" in written:
            described["default"] = written["function"](default)
        elif isinstance(default, list):
            described["default"] = [_without_nulls(item) for item in default]
        return described


def _without_nulls(item: Any) -> Any:
    return {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item


def manifest_schema() -> dict[str, Any]:
    """JSON Schema of a manifest as authors write it: sizes and durations are text."""
    schema = Manifest.model_json_schema(schema_generator=Generator)
    definitions = schema.pop("$defs")
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "CodeB project manifest",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": definitions,
    }


def schema_text() -> str:
    """Content of `project-manifest.schema.yaml`."""
    return _HEADER + yaml.safe_dump(manifest_schema(), sort_keys=False, allow_unicode=True, width=10_000)
