"""What settings of Vultr's managed services have in common: which projects are there, and what the catalogue knows."""

from __future__ import annotations

import difflib
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from codeb.catalogue import ManagedDatabases
from codeb.model import types as t
from codeb.model.problems import refusal, shown

ALL: Final = "all"
"""Instead of a list: every project there is."""
_MOST_PROJECTS: Final = 2000

Projects = Annotated[
    tuple[t.ProjectId, ...],
    Field(strict=False, max_length=_MOST_PROJECTS),
    BeforeValidator(lambda value: (ALL,) if value == ALL else value),
]
"""Ids of projects, or `all`."""
Text = Annotated[str, Field(min_length=1, max_length=60)]


def known_plan(service: ManagedDatabases, name: str, text: str) -> str:
    """The plan as written; raise the refusal of one that the catalogue hasn't, with the nearest. `name` is for people."""
    known = service.plans
    if text in known:
        return text
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    nearest = known[close[0] if close else min(known, key=lambda each: known[each].cents)]
    raise refusal(
        f"there is no plan {shown(text)} for managed {name} that is known here",
        f"Write {nearest.id}: {nearest.described}.",
    )


def known_version(service: ManagedDatabases, name: str, text: str, why: str) -> str:
    """The version as written; raise the refusal of one that the catalogue hasn't. `why` ends the remedy."""
    known = service.versions
    if text in known:
        return text
    raise refusal(
        f"{shown(text)} is no version of managed {name} that is known here",
        f'Write "{known[0]}" to "{known[-1]}"{why}.',
    )
