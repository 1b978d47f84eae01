"""Every statement for PostgreSQL, for psql. What is not ours gets in as a variable, in letters that mean nothing to it."""

from __future__ import annotations

import base64
import json
import pkgutil
from collections.abc import Iterable

from agent.backup.queries import OVER
from agent.store.settings import DATABASE


def live(database: str) -> str:
    """A JSON object: `roles`, and the `bytes` of a database. Raises ValueError for a name that none of ours has."""
    if not DATABASE.fullmatch(database):
        raise ValueError("no name of a database")
    return f"\\set database '{database}'\n{_content('live')}\\echo '{OVER}'\n"


def roles(names: Iterable[str]) -> str:
    """Make these roles, unless they are there."""
    given = base64.b64encode(json.dumps(sorted(names)).encode()).decode()
    return f"\\set roles '{given}'\n{_content('roles')}"


def _content(name: str) -> str:
    content = pkgutil.get_data(__package__, f"{name}.sql")
    if content is None:
        raise FileNotFoundError(f"{name}.sql is not in this agent")
    return content.decode()
