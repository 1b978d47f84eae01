"""Every question of an upgrade, for psql; what comes from outside goes along as `agent.backup.queries` says."""

from __future__ import annotations

from collections.abc import Sequence

from agent.backup.queries import with_document


def cluster() -> str:
    """Facts of the whole cluster: a JSON object."""
    return _query("cluster")


def inside() -> str:
    """Facts of the database that psql is logged in to: a JSON object."""
    return _query("inside")


def available(names: Sequence[str]) -> str:
    """Those of these extensions that the server can make, a JSON string a line."""
    return _query("available", names=list(names))


def load(library: str) -> str:
    """Fails when there is no such library, or it doesn't fit."""
    return _query("load", library=library)


def _query(name: str, **document: object) -> str:
    return with_document("agent.upgrade", name, document)
