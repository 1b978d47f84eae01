"""Every question to PostgreSQL, for psql: what answers is JSON, a line each, so that no name can look like two.

What comes from outside goes along as one JSON document in base64, whose letters mean nothing to psql or SQL; statements
are made of it by PostgreSQL's own `format`.
"""

from __future__ import annotations

import base64
import json
import pkgutil
from collections.abc import Mapping
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


def look(names: list[str], ends: list[str]) -> str:
    """`[name, bytes, owner, open, comment]` a line, of databases by these names, those whose names end so, and (with
    `ends`) those that a swap has closed."""
    return with_document(__package__, "look", {"names": names, "ends": ends})


def drop(names: list[str]) -> str:
    """Drop these databases; one that isn't there is fine."""
    return with_document(__package__, "drop", {"names": names})


def reopen(names: list[str]) -> str:
    """Let people into these databases again."""
    return with_document(__package__, "reopen", {"names": names})


def with_document(package: str, name: str, document: Mapping[str, object]) -> str:
    """A file of statements that read `:'document'`."""
    text = base64.b64encode(json.dumps(document).encode()).decode()
    return f"\\set document '{text}'\n{_content(package, name)}"


def _query(name: str) -> str:
    return f"{_content(__package__, name)}\\echo '{OVER}'\n"


def _content(package: str, name: str) -> str:
    content = pkgutil.get_data(package, f"{name}.sql")
    if content is None:
        raise FileNotFoundError(f"{name}.sql is not in this agent")
    return content.decode()
