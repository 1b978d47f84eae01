"""On how many servers an app runs: a number, all of its pool, or as many as the pool has between two numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from codeb.model.problems import refusal, shown

MOST: Final = 16
"""Of a number that is written; `all` may be more."""
_ALL: Final = "all"
_RANGE: Final = re.compile(r"([1-9][0-9]?)-([1-9][0-9]?)")
_REMEDY: Final = f"Write a number from 1 to {MOST}, all, or a range as 2-4."


@dataclass(frozen=True)
class Replicas:
    """At least and at most so many servers; `most` None for all that there are."""

    least: int = 1
    most: int | None = 1

    def among(self, servers: int) -> int:
        """How many of so many servers, which may be fewer than the least."""
        wanted = servers if self.most is None else min(self.most, servers)
        return max(self.least, wanted)

    def __str__(self) -> str:
        return str(_text(self))


class _Written:
    """`2`, `all` or `2-4` in a manifest."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.int_schema(ge=1, le=MOST, strict=True)
        text = core_schema.str_schema(pattern=f"^(?:{_ALL}|{_RANGE.pattern})$", strict=True)
        return core_schema.no_info_plain_validator_function(
            _read,
            json_schema_input_schema=core_schema.union_schema([number, text]),
            serialization=core_schema.plain_serializer_function_ser_schema(_text, when_used="json"),
        )


ReplicaCount = Annotated[Replicas, _Written()]


def _read(value: object) -> Replicas:
    """Raises the refusal of anything else."""
    if isinstance(value, Replicas):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST:
        return Replicas(value, value)
    if value == _ALL:
        return Replicas(1, None)
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"{shown(value)} is no number of servers", _REMEDY)
    least, most = int(found[1]), int(found[2])
    if not least <= most <= MOST:
        raise refusal(f"{shown(value)} is no range from 1 to {MOST}", _REMEDY)
    return Replicas(least, most)


def _text(replicas: Replicas) -> int | str:
    """As a manifest says it."""
    if replicas.most is None:
        return _ALL
    return replicas.least if replicas.least == replicas.most else f"{replicas.least}-{replicas.most}"
