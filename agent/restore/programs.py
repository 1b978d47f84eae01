"""PostgreSQL's clients for a restore, as token lists."""

from __future__ import annotations

from typing import Final

from agent.backup.programs import PSQL, client
from agent.host import paths
from agent.restore.queries import LOGIN
from agent.store.settings import Server

_LIST: Final = "/run/codeb/restore.list"
_RESTORE: Final = ("pg_restore", "--exit-on-error")


def contents(server: Server, image: str) -> list[str]:
    """The table of contents of the dump on standard input, a line an entry."""
    return client(server, image, "restore-list", ["pg_restore", "--list"])


def bring_listed(server: Server, image: str, database: str) -> list[str]:
    """Bring those entries of a dump that are listed, as the administrator, who owns them then."""
    words = [*_RESTORE, "--no-owner", "--no-privileges", f"--use-list={_LIST}", f"--dbname={database}"]
    return client(server, image, "restore-first", words, mounts=[f"{paths.RESTORE_LIST}:{_LIST}"])


def bring(
    server: Server, image: str, database: str, owner: str, *, foreign: bool, data_only: bool, as_admin: bool
) -> list[str]:
    """Bring the listed entries of the dump on standard input as the owner, who owns them then.

    `foreign`: rights of others stay out; `data_only`: tables with their rows, without what comes after (indexes, keys);
    `as_admin`: as the administrator, who gives everything to whom it belonged. Views that are filled have what their owner
    sees, as after a REFRESH of its own: else PostgreSQL refuses those over tables with FORCE ROW LEVEL SECURITY.
    """
    words = [*_RESTORE, "--enable-row-security", f"--use-list={_LIST}", f"--dbname={database}"]
    words += ["--no-owner", f"--role={owner}"] if foreign or not as_admin else []
    words += ["--no-privileges"] if foreign else []
    words += ["--section=pre-data", "--section=data"] if data_only else []
    mounts = [f"{paths.RESTORE_LIST}:{_LIST}"]
    if as_admin:
        return client(server, image, "restore-load", words, mounts=mounts)
    return client(server, image, "restore-load", words, user=LOGIN, login=paths.RESTORE_LOGIN, mounts=mounts)


def as_owner(server: Server, image: str, database: str) -> list[str]:
    """psql as the role of restores."""
    words = [*PSQL, f"--dbname={database}"]
    return client(server, image, "restore-owner", words, user=LOGIN, login=paths.RESTORE_LOGIN)


def copied_out(server: Server, image: str, database: str) -> list[str]:
    """psql as the administrator, beside any other."""
    return client(server, image, "restore-copy", [*PSQL, f"--dbname={database}"])
