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
ADMIN: Final = "postgres"
RECOVERY: Final = "codeb-recovery"
SPAN: Final = 1 << 20
"""Bytes of the largest record of WAL that may be cut off at the end of an archive."""
RATE_KIB: Final = 48 << 10
"""KiB a second that a base backup reads at most: the disk is the users' first."""
MEMORY: Final = "1g"
"""What a throwaway server takes at most, what the kernel keeps of its files included: users' files stay in memory."""
CLOSED: Final = (
    *(f"--user={OWNER}", "--read-only", "--image-volume=ignore", "--pull=never"),
    *("--cap-drop=all", "--security-opt=no-new-privileges"),
)
_DAY_S: Final = 24 * 3600
_PASSWORDS: Final = "/run/codeb/pgpass"
_CA: Final = "/run/codeb/ca.crt"
_PSQL: Final = ("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")


def _client(server: Server, user: str, login: str, name: str, image: str, words: Sequence[str]) -> list[str]:
    """A client that logs in with the passwords in a file, over TLS, to a server whose name is checked.

    `name` is one at a time: who finds it taken replaces it, as a killed run leaves its container behind.
    """
    return [
        *("podman", "run", "--rm", "--replace", f"--name=codeb-archive-{name}", "--interactive"),
        *("--log-driver=none", "--network=host", *CLOSED, "--cpu-shares=20", f"--timeout={_DAY_S}"),
        *(f"--volume={login}:{_PASSWORDS}:ro", f"--volume={paths.CA_FILE}:{_CA}:ro"),
        *(f"--env=PGPASSFILE={_PASSWORDS}", "--env=PGSSLMODE=verify-full", f"--env=PGSSLROOTCERT={_CA}"),
        *(f"--env=PGHOST={server.host}", f"--env=PGPORT={server.port}", f"--env=PGUSER={user}"),
        *("--env=PGAPPNAME=codeb-archive", "--env=PGCONNECT_TIMEOUT=10", "--env=LC_ALL=C"),
        *(f"--entrypoint={words[0]}", image, *words[1:]),
    ]


def questions(server: Server, image: str, asker: str) -> list[str]:
    """psql as the archive's role, which reads statements and writes values alone, until its input ends or one fails.

    `asker` is who talks, one at a time: another of that name takes the conversation over.
    """
    words = [*_PSQL, "--no-password", "--dbname=postgres"]
    return _client(server, NAME, paths.ARCHIVE_LOGIN, f"asked-by-{asker}", image, words)


def administration(server: Server, image: str) -> list[str]:
    """psql as PostgreSQL's administrator."""
    words = [*_PSQL, "--no-password", "--dbname=postgres"]
    return _client(server, ADMIN, paths.BACKUP_LOGIN, "admin", image, words)


def base_backup(server: Server, image: str, *, soon: bool) -> list[str]:
    """A copy of the whole cluster as one tar on standard output, without WAL: that is in the archive.

    Unless it is to be `soon`, it waits for a checkpoint that takes its time.
    """
    words = [
        "pg_basebackup",
        "--no-password",
        "--pgdata=-",
        "--format=tar",
        "--wal-method=none",
        "--label=codeb",
    ]
    words += [f"--checkpoint={'fast' if soon else 'spread'}", f"--max-rate={RATE_KIB}"]
    return _client(server, NAME, paths.ARCHIVE_LOGIN, "base", image, [*words, "--manifest-checksums=SHA256"])


def recovery(name: str, image: str, folder: str, settings: Sequence[tuple[str, str]]) -> list[str]:
    """A server on the files below a folder, which nobody outside its container reaches."""
    given = [f"-c{key}={value}" for key, value in settings]
    return [
        *("podman", "run", "--detach", "--replace", f"--name={name}", "--network=none", *CLOSED),
        *("--shm-size=256m", "--cpu-shares=20", f"--memory={MEMORY}", f"--memory-swap={MEMORY}"),
        *("--log-driver=k8s-file", "--env=LC_ALL=C"),
        *(f"--volume={folder}:{folder}", "--entrypoint=postgres", image, "-D", f"{folder}/data", *given),
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
