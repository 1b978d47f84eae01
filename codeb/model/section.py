"""What all sections of a manifest have in common."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from codeb.model.problems import refusal, shown


class Section(BaseModel):
    """Frozen, strict about types, closed to unknown keys; the text below a field is its description."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


def refuse_repeated(values: Sequence[str], path: str, key: str) -> None:
    """Raises the refusal when two entries of the list at `path` have the same `key`."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(f"{shown(value)} is used twice", "Give each its own.", at=(path, index, key))
