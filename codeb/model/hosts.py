"""The host names of a project beside its domain: which serve, which redirect, and which two mean the same visitors."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.section import Section

_ANY = "*."
_LONGEST = 253
_NAMES = rf"^(?:(\*\.)?{t.DOMAIN})$"
_PATTERN: Any = {"pattern": _NAMES, "maxLength": _LONGEST}


def _site_host(text: str) -> str:
    if "*" not in text:
        return t.check_domain(text)
    if re.fullmatch(_NAMES, text) and len(text) <= _LONGEST:
        return text
    remedy = "Write for example *.shop.example.com, for all names of one more label."
    raise refusal(f"{shown(text)} is not a host name with a wildcard", remedy)


SiteHost = Annotated[str, AfterValidator(_site_host), Field(json_schema_extra=_PATTERN)]
"""A host name, or `*.` and one: every name of one more label."""


def is_wildcard(host: str) -> bool:
    """Whether a name stands for many."""
    return host.startswith(_ANY)


def overlap(one: str, other: str) -> bool:
    """Whether somebody may come by both names: they are the same, or one is a wildcard that the other falls under."""
    return one == other or one == wildcard_over(other) or other == wildcard_over(one)


def wildcard_over(host: str) -> str | None:
    """The one wildcard that stands for this name; None of a wildcard."""
    return None if is_wildcard(host) else _ANY + host.partition(".")[2]


class Alias(Section):
    """A further host name of the project. In a manifest a plain name is one that redirects."""

    host: SiteHost
    """The name, or `*.` and a name for all of one more label."""
    serve: bool = False
    """Whether it serves the app, which sees the name as its Host, instead of redirecting to the domain."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"host": _site_host(value)} if isinstance(value, str) else value

    def __str__(self) -> str:
        return self.host

    @model_serializer
    def _as_written(self) -> str | dict[str, str | bool]:
        return {"host": self.host, "serve": True} if self.serve else self.host


class _OrPlain:
    """For the schema: the plain form, too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", **_PATTERN}, handler(schema)]}


Aliases = t.Items[Annotated[Alias, _OrPlain()]]
