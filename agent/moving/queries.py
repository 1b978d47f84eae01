"""Every statement of a move, for psql; what comes from outside goes along as `agent.backup.queries` says."""

from __future__ import annotations

from collections.abc import Sequence

from agent.backup.queries import with_document

_PACKAGE = "agent.moving"


def look(database: str) -> str:
    """One JSON object: the server's version, whether the database is there, what it has that a move can't bring."""
    return with_document(_PACKAGE, "look", {"database": database})


def extensions() -> str:
    """Names of the extensions of the database that is logged in to, as JSON, a line each."""
    return with_document(_PACKAGE, "extensions", {})


def lacking(names: Sequence[str]) -> str:
    """Those of these extensions that the server can't have, as JSON, a line each."""
    return with_document(_PACKAGE, "lacking", {"names": list(names)})


def settable(names: Sequence[str]) -> str:
    """Those of these settings that the administrator may give a database, as JSON, a line each."""
    return with_document(_PACKAGE, "settable", {"names": list(names)})


def close(database: str, owner: str) -> str:
    """Nobody but administrators may log in to the database, nor is."""
    return with_document(_PACKAGE, "close", {"database": database, "owner": owner})


def reopen(database: str, owner: str) -> str:
    """Its owner may log in again; content when he may."""
    return with_document(_PACKAGE, "reopen", {"database": database, "owner": owner})


def create(live: str, new: str, owner: str) -> str:
    """An empty database beside the live one, as that is where it is there; what had its name goes."""
    return with_document(_PACKAGE, "create", {"live": live, "new": new, "owner": owner})


def login(login: str, owner: str | None, verifier: str = "") -> str:
    """At the service: let the role of restores log in as an owner and nobody else, or (None) not at all."""
    return with_document(_PACKAGE, "login", {"login": login, "owner": owner, "verifier": verifier})


def place(new: str, live: str) -> str:
    """What was filled is the live one; what that was goes."""
    return with_document(_PACKAGE, "place", {"new": new, "live": live})


def drop(name: str) -> str:
    """A database that isn't there is fine."""
    return with_document(_PACKAGE, "drop", {"name": name})


def sums() -> str:
    """`["schema.table", rows, sum]` a line, of all tables, sequences (with where they are) and large objects."""
    return with_document(_PACKAGE, "sums", {})
