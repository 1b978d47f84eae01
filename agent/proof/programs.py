"""The programs of a proof as token lists, each in a container of the image that the live server runs."""

from __future__ import annotations

from typing import Final

from agent.archive.programs import ADMIN, CLOSED, OWNER

PREFIX: Final = "codeb-proof-"
"""What names of its containers and folders begin with."""

__all__ = ["ADMIN", "OWNER", "PREFIX", "initdb", "pg_restore"]


def initdb(name: str, image: str, folder: str) -> list[str]:
    """The files of an empty cluster in `data` below a folder, without waiting for the disk: they don't outlive it."""
    return [
        *("podman", "run", "--rm", "--replace", f"--name={name}", "--network=none", *CLOSED),
        *("--cpu-shares=20", "--log-driver=none", "--env=LC_ALL=C", f"--volume={folder}:{folder}"),
        *("--entrypoint=initdb", image, f"--pgdata={folder}/data", f"--username={ADMIN}"),
        *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
    ]


def pg_restore() -> tuple[str, ...]:
    """Make the database that a dump on standard input has, as it was, and end at the first error.

    Without owners and rights: what is proven is what is in it, and roles may have gone since.
    """
    return ("--exit-on-error", "--create", "--no-owner", "--no-privileges", "--dbname=postgres")
