"""What settings of Vultr's managed services have in common: which projects are there, and what the catalogue knows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Final, Protocol

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


class _Offer(Protocol):
    """What Vultr sells, by a name that settings write."""

    @property
    def cents(self) -> int: ...

    @property
    def described(self) -> str: ...


def known_offer(known: Mapping[str, _Offer], text: str, kind: str, of: str) -> str:
    """The name as written; raise the refusal of one that the catalogue hasn't, with the nearest. `kind` and `of` are for
    people: `plan`, `for managed Valkey`."""
    if text in known:
        return text
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    nearest = close[0] if close else min(known, key=lambda each: known[each].cents)
    raise refusal(
        f"there is no {kind} {shown(text)} {of} that is known here",
        f"Write {nearest}: {known[nearest].described}.",
    )


def known_plan(service: ManagedDatabases, name: str, text: str) -> str:
    """The plan as written; raise the refusal of one that the catalogue hasn't. `name` is for people."""
    return known_offer(service.plans, text, "plan", f"for managed {name}")


def known_version(service: ManagedDatabases, name: str, text: str, why: str) -> str:
    """The version as written; raise the refusal of one that the catalogue hasn't. `why` ends the remedy."""
    known = service.versions
    if text in known:
        return text
    raise refusal(
        f"{shown(text)} is no version of managed {name} that is known here",
        "Write " + ", ".join(f'"{each}"' for each in known[:-1]) + f' or "{known[-1]}"{why}.',
    )
