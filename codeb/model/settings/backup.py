"""`codeb:backup`: how much of the data server's disk WAL on its way into the archive may take (docs/archive.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from codeb.model.settings.base import Number, Setting


class Backups(Setting):
    """Limits of the archive."""

    spool: Annotated[Number, Field(ge=1, le=1024)] = 1
    """GiB of WAL that wait on the host for a store that can't be reached."""
    slot: Annotated[Number, Field(ge=1, le=1024)] = 2
    """GiB of WAL that PostgreSQL keeps for the archive, before it gives it up and goes on."""
