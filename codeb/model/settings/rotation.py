"""`codeb:rotation`: which of their keys the platform's own accounts on the data services have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from codeb.model.settings.base import Number, Setting

Key = Annotated[Number, Field(ge=1, le=999)]
"""Another number, another key; numbers only go up (docs/vault.md)."""


class Rotation(Setting):
    """A number for each: raise it by one for another key."""

    postgres: Key = 1
    """The password of PostgreSQL's administrator."""
    redis: Key = 1
    """The passwords of the administrators of all Redis instances, projects' own among them."""
    minio: Key = 1
    """The login of MinIO's administrator: its root user is number 1, and is let in no more from number 2 on."""
    archive: Key = 1
    """The password of the role that takes WAL over into the archive."""
    backup: Key = 1
    """The account that backups have in MinIO."""
