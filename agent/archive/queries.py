"""Every statement for PostgreSQL, for psql: what answers is JSON, and a line after it says that it is over."""

from __future__ import annotations

import pkgutil

from agent.admins.scram import VERIFIER
from agent.archive.slot import NAME
from agent.backup.queries import OVER

__all__ = ["OVER", "beat", "create_slot", "drop_slot", "role"]


def beat() -> str:
    """Leave a moment in WAL, and answer a JSON object: how PostgreSQL is, and the archive's slot."""
    return _read("beat", slot=NAME)


def create_slot() -> str:
    """Have WAL kept from now on."""
    return _read("create_slot", slot=NAME)


def drop_slot() -> str:
    """Have it kept no more; a slot that isn't there is fine."""
    return _read("drop_slot", slot=NAME)


def role(verifier: str) -> str:
    """Make the archive's role or change it, with this verifier of its password. Raises ValueError for another text."""
    if not VERIFIER.fullmatch(verifier):
        raise ValueError("no verifier of a password")
    return _read("role", role=NAME, verifier=verifier)


def _read(name: str, **variables: str) -> str:
    """psql quotes its variables: `:'slot'`."""
    content = pkgutil.get_data(__package__, f"{name}.sql")
    if content is None:
        raise FileNotFoundError(f"{name}.sql is not in this agent")
    given = "".join(f"\\set {key} '{value}'\n" for key, value in variables.items())
    return f"{given}{content.decode()}\\echo '{OVER}'\n"
