"""What all settings have in common: camelCase outside, unknown keys refused, and Pulumi's texts understood."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from codeb.model.problems import refusal

T = TypeVar("T")

Provider = Literal["existing", "vultr"]
Role = Literal["app", "data", "edge", "monitoring"]
ROLES: Final[tuple[Role, ...]] = ("app", "data", "edge")
"""What a stack can't do without, and what a server does of which nobody says it."""

ServerRole = Role
"""app runs projects, data holds PostgreSQL, Redis and MinIO, edge runs Caddy, monitoring watches the others."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise refusal(f"{str(value).lower()} is no number", "Write digits.")
    return value


Number = Annotated[int, Field(strict=False), BeforeValidator(_no_truth)]
"""Pulumi's configuration keeps numbers as text."""
LaxBool = Annotated[
    bool,
    BeforeValidator(
        lambda value: {"true": True, "false": False}[value] if value in ("true", "false") else value
    ),
]
"""Pulumi's configuration keeps true and false as text."""
Optional = Annotated[T | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A key whose default in `Pulumi.yaml` is the empty text."""
OffWhenEmpty = Annotated[T | None, BeforeValidator(lambda value: None if value in ("", {}) else value)]
"""A key whose default in `Pulumi.yaml` is the empty mapping, which switches off what it is about."""


class Setting(BaseModel):
    """What all settings have in common: camelCase outside, unknown keys refused."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True
    )
