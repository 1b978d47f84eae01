"""How long a preview environment lives, by the stack's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from codeb.model import DocumentErrors, read_stack_values
from ops.ci.context import CiError

DEFAULT_HOURS: Final = 72


def hours(folder: Path, stack: str) -> int:
    """`codeb:previews.ttlHours`, or 72. Raises CiError."""
    try:
        previews = read_stack_values(folder / f"Pulumi.{stack}.yaml").get("previews")
    except DocumentErrors as error:
        raise CiError(str(error)) from None
    found = previews.get("ttlHours", DEFAULT_HOURS) if isinstance(previews, Mapping) else DEFAULT_HOURS
    text = str(found)
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 24 * 365):
        raise CiError(
            f"Pulumi.{stack}.yaml: codeb:previews.ttlHours is not a number of hours: write for example 72"
        )
    return int(text)
