"""PostgreSQL's connections: how many there are for all, and what to say when projects may ask for more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from codeb.plan.types import ProjectPlan

POSTGRES_CONNECTIONS: Final = 500
PLATFORM_CONNECTIONS: Final = 10
"""On top, for the administrator alone: whatever projects take, the platform can still work."""


def crowded(projects: Iterable[ProjectPlan]) -> Iterator[str]:
    """One sentence when the projects' limits add up to more than there is.

    It is no error: limits are there for peaks, and hardly all projects have theirs at once.
    """
    limits = {
        project.id: project.own_database.connection_limit for project in projects if project.own_database
    }
    if sum(limits.values()) <= POSTGRES_CONNECTIONS:
        return
    largest = sorted(limits, key=lambda key: (-limits[key], key))[:3]
    shown = ", ".join(f"{key} {limits[key]}" for key in largest)
    yield (
        f"PostgreSQL has {POSTGRES_CONNECTIONS} connections for all projects, and their "
        f"resources.database.connection_limit, each times its servers, add up to {sum(limits.values())} (most: {shown}). "
        "If all of them come at once, some are refused: lower the limits that are larger than needed."
    )
