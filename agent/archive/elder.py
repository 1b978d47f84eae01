"""Files of a base backup are one major version's: after an upgrade those of before are recovered by the image of then."""

from __future__ import annotations

from agent.archive.bases import Base
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports
from agent.images.postgres import major_of, major_of_files
from agent.store.settings import Server


def image_for(ports: Ports, server: Server, base: Base) -> str:
    """The image that reads a base backup: the one that serves, or the one that made it, by its digest. Raises Failed."""
    serves = major_of_files(ports, paths.POSTGRES)
    if serves is None or serves == base.version:
        return server.image
    reference = f"{_repository(server.image)}@{base.image}"
    cause = f"the moment is PostgreSQL {base.version}'s, and {serves} serves; {reference}, which made that base backup"
    remedy = "name a moment since the upgrade, or a backup of before it (`--backup`)"
    try:
        found = major_of(ports, reference)
    except Failed as error:
        raise Failed("recovery", f"{cause}, can't be had: {error}", remedy, log=error.failure.log) from None
    if found != base.version:
        raise Failed("recovery", f"{cause}, is PostgreSQL {found}", remedy)
    return reference


def _repository(image: str) -> str:
    """`docker.io/library/postgres:17-alpine` → `docker.io/library/postgres`."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
