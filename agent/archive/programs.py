"""The programs of the archive as token lists: PostgreSQL's own, each in a container of the image that the server runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.archive.slot import NAME
from agent.host import paths
from agent.store.settings import Server

USER: Final = "70"
"""Who PostgreSQL runs as in its image; files that it reads or writes are his."""
OWNER: Final = f"{USER}:{USER}"
NETWORK: Final = "codeb-network"
_CLOSED: Final = ("--user=70:70", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")
RECOVERY: Final = "codeb-recovery"
SPAN: Final = 1 << 20
"""Bytes of the largest record of WAL that may be cut off at the end of an archive."""


def _client(server: Server, login: str, name: str) -> list[str]:
    """A client program that logs in with the passwords in a file, over TLS, to a server whose name is checked."""
    return [
        *("podman", "run", "--rm", "--interactive", "--replace", f"--name={name}", f"--network={NETWORK}", *_CLOSED),
        *(f"--volume={login}:{login}:ro", f"--volume={paths.CA_FILE}:{paths.CA_FILE}:ro"),
        *(f"--env=PGPASSFILE={login}", "--env=PGSSLMODE=verify-full", f"--env=PGSSLROOTCERT={paths.CA_FILE}"),
        *("--env=PGCONNECT_TIMEOUT=10", "--env=LC_ALL=C", server.image),
    ]


def _server(server: Server, user: str) -> list[str]:
    return [f"--host={server.host}", f"--port={server.port}", f"--username={user}", "--no-password"]


def questions(server: Server) -> list[str]:
    """psql as the archive's role, which reads statements and writes values alone, until its input ends or one fails."""
    psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    return [
        *_client(server, paths.ARCHIVE_LOGIN, "codeb-archive-psql"),
        *psql,
        *_server(server, NAME),
        "--dbname=postgres",
    ]


def administration(server: Server, admin: str) -> list[str]:
    """psql as PostgreSQL's administrator."""
    psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    return [
        *_client(server, paths.BACKUP_LOGIN, "codeb-archive-admin"),
        *psql,
        *_server(server, admin),
        "--dbname=postgres",
    ]


def base_backup(server: Server, *, soon: bool, rate_kib: int) -> list[str]:
    """A copy of the whole cluster as one tar on standard output, without WAL: that is in the archive.

    Unless it is to be `soon`, it waits for a checkpoint that takes its time. At most `rate_kib` KiB a second.
    """
    return [
        *_client(server, paths.ARCHIVE_LOGIN, "codeb-base"),
        *("pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=none", "--label=codeb"),
        *(f"--checkpoint={'fast' if soon else 'spread'}", f"--max-rate={rate_kib}", "--manifest-checksums=SHA256"),
        *_server(server, NAME),
    ]


def recovery(name: str, image: str, folder: str, settings: Sequence[tuple[str, str]]) -> list[str]:
    """A server on the files below a folder, which nobody outside its container reaches."""
    given = [f"-c{key}={value}" for key, value in settings]
    return [
        *("podman", "run", "--detach", "--replace", f"--name={name}", "--network=none", "--pull=never", *_CLOSED),
        *("--shm-size=256m", "--stop-timeout=60", "--log-driver=k8s-file", "--env=LC_ALL=C"),
        *(f"--volume={folder}:{folder}", image, "postgres", "-D", f"{folder}/data", *given),
    ]


def within(name: str, program: str, *arguments: str) -> list[str]:
    """A program in the container of a recovered server."""
    return ["podman", "exec", "--interactive", name, program, *arguments]


def running(name: str) -> list[str]:
    """Prints `true` while a container runs."""
    return ["podman", "container", "inspect", "--format", "{{.State.Running}}", name]


def said(name: str) -> list[str]:
    """What a container wrote last."""
    return ["podman", "logs", "--tail=400", name]


def gone(name: str) -> list[str]:
    """End a container and remove it; one that isn't there is fine."""
    return ["podman", "rm", "--force", "--ignore", "--time=10", name]


def unpack(folder: str) -> list[str]:
    """Files of a tar on standard input, with the numbers of their owners."""
    return ["tar", "--extract", "--file=-", f"--directory={folder}", "--numeric-owner", "--same-owner"]


def room(path: str) -> list[str]:
    """Free bytes of the file system that has this path."""
    return ["df", "--block-size=1", "--output=avail", path]


def moved(files: Sequence[str], folder: str) -> list[str]:
    """Files to another folder of the same file system; one that is there already stays as it is."""
    return ["mv", "--no-clobber", f"--target-directory={folder}", "--", *files]


def start_soon(unit: str) -> list[str]:
    """Start a unit without waiting for it; one that runs goes on."""
    return ["systemctl", "start", "--no-block", unit]
