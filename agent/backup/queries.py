"""Every question to PostgreSQL, for psql: what answers is JSON, a line each, so that no name can look like two."""

from __future__ import annotations

import pkgutil
from typing import Final

OVER: Final = "-- over --"
"""The line after an answer: no JSON looks like it."""


def begin() -> str:
    """Open a transaction and answer the name of its snapshot."""
    return _query("begin")


def facts() -> str:
    """A JSON object: `size`, `version`, and the details of a backup without rows."""
    return _query("facts")


def rows() -> str:
    """`["schema.table", rows]` a line."""
    return _query("rows")


def _query(name: str) -> str:
    content = pkgutil.get_data(__package__, f"{name}.sql")
    if content is None:
        raise FileNotFoundError(f"{name}.sql is not in this agent")
    return f"{content.decode()}\\echo '{OVER}'\n"
