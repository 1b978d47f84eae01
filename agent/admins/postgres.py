"""PostgreSQL's administrator: one role, which root of this host becomes over the socket, whatever its password is.

A password that changes ends no connection, and nothing of the users' logs in by it.
"""

from __future__ import annotations

import pkgutil
from typing import Final

from agent.admins.scram import VERIFIER, verifier
from agent.documents.errors import Failed
from agent.host.ports import Ports

SERVICE: Final = "postgres.service"
SOCKET: Final = "/run/postgresql"
_TIMEOUT_S: Final = 60
_CONTAINER: Final = "postgres"
_ADMIN: Final = "postgres"
_DOOR: Final = "template1"
"""The database that `pg_hba.conf` lets root into."""
_PSQL: Final = ("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")


def program() -> list[str]:
    """psql as root of the container, who is this host's."""
    return [
        *("podman", "exec", "--interactive", "--user=0:0", _CONTAINER, *_PSQL, "--no-password"),
        *(f"--host={SOCKET}", f"--username={_ADMIN}", f"--dbname={_DOOR}"),
    ]


def statements(found: str) -> str:
    """Set the password of this verifier. Raises ValueError for another text."""
    if not VERIFIER.fullmatch(found):
        raise ValueError("no verifier of a password")
    content = pkgutil.get_data(__package__, "password.sql")
    if content is None:
        raise FileNotFoundError("password.sql is not in this agent")
    return f"\\set verifier '{found}'\n{content.decode()}"


def ensure(ports: Ports, password: str) -> bool:
    """Give the administrator this password; True when it had another one. Raises Failed."""
    text = statements(verifier(password))
    result = ports.runner.run(program(), stdin=text, timeout_s=_TIMEOUT_S)
    if result.ok:
        return bool(result.out.strip())
    said = result.err.strip().splitlines()
    raise Failed(
        "admins",
        f"PostgreSQL's administrator can't be given its password: {said[-1] if said else f'status {result.code}'}",
        "see `journalctl -u postgres`, then run again",
    )
