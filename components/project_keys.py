"""What a project's app logs in with, by number: which keys are valid at the same time while it goes from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from codeb import names
from codeb.plan import CachePlan, DatabasePlan
from codeb.secrets import RootSecret

OWNER: Final = 1
"""The number of the login that owns the database."""


@dataclass(frozen=True)
class StorageKey:
    """A user in MinIO that the project's app logs in as; `suffix` tells its resources from those of another number."""

    name: str
    secret: str = field(repr=False)
    suffix: str = ""


def database_passwords(root: RootSecret, project_id: str, database: DatabasePlan) -> dict[int, str]:
    """The passwords of the owner, which may have one without that anybody logs in by it, and of the logins beside it."""
    numbers = sorted({OWNER, *database.logins})
    return {number: root.derive(f"project/{project_id}/database", number) for number in numbers}


def cache_passwords(root: RootSecret, project_id: str, cache: CachePlan) -> dict[int, str]:
    """The passwords of the users that the project has at Vultr's Valkey, by number."""
    return {number: root.derive(f"project/{project_id}/cache", number) for number in cache.users}


def backup_keys(root: RootSecret, number: int) -> dict[int, str]:
    """The key of the account of backups, and the one before: what runs now began with that."""
    return {each: root.derive("backup/storage", each) for each in (number, number - 1) if each}


def storage_keys(root: RootSecret, project_id: str, rotation: int) -> tuple[StorageKey, ...]:
    """The key of this number, and the one before: what serves has that until it is released anew, what stands by longer."""
    return tuple(
        StorageKey(
            names.storage_user(project_id, number),
            root.derive(f"project/{project_id}/storage", number),
            "" if number == 1 else f"-{number}",
        )
        for number in (rotation, rotation - 1)
        if number
    )
