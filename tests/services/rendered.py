"""PostgreSQL's files as they are rendered for a stack, in the folder of a cluster of the tests."""

from __future__ import annotations

from pathlib import Path

from tests.services.stack import Stack

FILES = ("postgresql.conf", "reload.conf", "pg_hba.conf", "pg_ident.conf")


def as_rendered(stack: Stack, home: Path) -> dict[str, object]:
    """Put them there, their places changed; the settings by which the server finds them. Its socket is in there, too."""
    for name in FILES:
        text = stack.file(f"/etc/codeb/postgres/{name}")
        text = text.replace("/run/secrets/postgres.key", str(home / "server.key"))
        text = text.replace("/etc/postgresql", str(home)).replace("/run/postgresql", str(home))
        (home / name).write_text(text)
    return {"config_file": home / "postgresql.conf"}
