"""What `ops.mcp` really serves, asked of a server as clients ask it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import Client

from ops.mcp.server import build
from tests.unit.mcp.mcp_world import Place


@dataclass(frozen=True)
class Tool:
    """One tool as clients see it; `takes` and `gives` are JSON Schemas that know no other field."""

    changes: bool
    takes: Mapping[str, Any]
    gives: Mapping[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(_names((self.takes, self.gives)))


def tools(place: Place) -> dict[str, Tool]:
    """All tools of a server that may deploy."""

    async def run() -> dict[str, Tool]:
        async with Client(build(place.world)) as client:
            return {
                each.name: Tool(
                    not each.annotations.read_only_hint,
                    _closed(each.input_schema),
                    _closed(each.output_schema),
                )
                for each in (await client.list_tools()).tools
            }

    return anyio.run(run)


def _closed(schema: Any) -> Any:
    """The schema, in which objects have no fields but those that it names."""
    if isinstance(schema, dict):
        made = {key: _closed(value) for key, value in schema.items()}
        return made | {"additionalProperties": False} if "properties" in made else made
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from schema.get("properties", ())
        for value in schema.values():
            yield from _names(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _names(value)
