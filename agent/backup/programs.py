"""PostgreSQL's own clients as token lists: from the image that the server runs, so that both are of one version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.store.settings import Server

ADMIN: Final = "postgres"
PSQL: Final = ("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
_UID: Final = 70
_LONGEST_S: Final = 24 * 3600
_LOCK_WAIT_MS: Final = 60_000
_PASSWORDS: Final = "/run/codeb/pgpass"
_CA: Final = "/run/codeb/ca.crt"
_ADMINS: Final = " ".join(
    f"-c{setting}"
    for setting in (
        "role=none",
        "temp_file_limit=-1",
        "statement_timeout=0",
        "datestyle=ISO",
        "intervalstyle=postgres",
        "extra_float_digits=3",
    )
)
"""What a project may have set for its database, and the administrator's clients do without."""
_TELLS: Final = re.compile(r"\b(?:error|ERROR|FATAL|PANIC|HINT):")


def image_of(container: str) -> list[str]:
    """Id and digest of the image that a container runs."""
    return ["podman", "container", "inspect", "--format", "{{.Image}} {{.ImageDigest}}", container]


def psql(server: Server, image: str, name: str, database: str) -> list[str]:
    """A session: quiet, no header, no alignment, ended by the first error."""
    return client(server, image, name, [*PSQL, f"--dbname={database}"])


def pg_dump(server: Server, image: str, name: str, database: str, snapshot: str) -> list[str]:
    """The dump in the custom format, not packed (zstd does that), of a snapshot that a session holds."""
    words = ["pg_dump", "--format=custom", "--compress=0", f"--lock-wait-timeout={_LOCK_WAIT_MS}"]
    return client(server, image, name, [*words, f"--snapshot={snapshot}", f"--dbname={database}"])


def pg_restore_reads(server: Server, image: str, name: str) -> list[str]:
    """Read a dump from its first to its last byte, and do nothing with it."""
    return client(server, image, name, ["pg_restore", "--file=/dev/null"])


def timers(units: Sequence[str]) -> list[str]:
    """Whether these timers run, and when each went off last (seconds since 1970): a block a timer, in this order."""
    properties = "Id,ActiveState,LastTriggerUSec"
    return ["systemctl", "show", "--timestamp=unix", f"--property={properties}", *units]


def without_rows(error: PipeBroken) -> tuple[str, tuple[str, ...]]:
    """How such a program ended, in a line, and the last of what it wrote, but for lines that may show rows (DETAIL, CONTEXT,
    the statement)."""
    lines = [line.strip() for line in error.said.splitlines() if _TELLS.search(line)]
    ended = f"{error.first.program} ended with status {error.first.code}"
    return (f"{ended}: {lines[0]}" if lines else str(error)), tuple(lines[-20:])


def client(
    server: Server,
    image: str,
    name: str,
    words: Sequence[str],
    *,
    user: str = ADMIN,
    login: str = paths.BACKUP_LOGIN,
    mounts: Sequence[str] = (),
) -> list[str]:
    """A client of PostgreSQL's that logs in by the password in a file, and reads `mounts` (`file:place`) besides.

    `name` is one at a time: who finds it taken replaces it, as a killed run leaves its container behind. Names without a
    schema mean PostgreSQL's own, whatever search path a project has set for its database. The administrator stays that,
    sorts more on disk than apps may, is cut off by no time-out of a project's, and gets values in forms that mean the same
    everywhere.
    """
    settings = "-csearch_path="
    if user == ADMIN:
        settings += f" {_ADMINS}"
    return [
        *("podman", "run", "--rm", "--replace", f"--name=codeb-backup-{name}", "--interactive"),
        *("--pull=never", "--log-driver=none", "--network=host", f"--user={_UID}:{_UID}"),
        *("--read-only", "--image-volume=ignore", "--cap-drop=all", "--security-opt=no-new-privileges"),
        *("--cpu-shares=20", f"--timeout={_LONGEST_S}"),
        *(f"--volume={login}:{_PASSWORDS}:ro", f"--volume={paths.CA_FILE}:{_CA}:ro"),
        *(f"--volume={mount}:ro" for mount in mounts),
        *(f"--env=PGPASSFILE={_PASSWORDS}", "--env=PGSSLMODE=verify-full", f"--env=PGSSLROOTCERT={_CA}"),
        *(f"--env=PGHOST={server.host}", f"--env=PGPORT={server.port}", f"--env=PGUSER={user}"),
        *("--env=PGAPPNAME=codeb-backup", "--env=PGCONNECT_TIMEOUT=30", f"--env=PGOPTIONS={settings}"),
        *(f"--entrypoint={words[0]}", image, *words[1:]),
    ]
