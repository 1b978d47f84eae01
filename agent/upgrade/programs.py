"""The programs of an upgrade as token lists: clients of the live server, and the new cluster beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.archive.programs import ADMIN, CLOSED, within
from agent.archive.throwaway import Throwaway
from agent.backup.programs import client
from agent.host import paths
from agent.restore.queries import LOGIN
from agent.store.settings import Server

NAME: Final = "codeb-upgrade"
"""The container of the new cluster."""
BESIDE: Final = Throwaway(NAME, paths.UPGRADE_FOLDER)
LIST: Final = f"{paths.UPGRADE_FOLDER}/list"
"""Entries of a dump that are to be brought."""
_CONFIG: Final = "/etc/postgresql"
_KEY: Final = "/run/secrets/postgres.key"
_FREE: Final = "-csearch_path= -cdefault_transaction_read_only=off -cstatement_timeout=0 -clock_timeout=0"
"""What a project may have set for its database, and a load can't bear."""
_STOP_S: Final = 300
_SETTINGS: Final = (
    ("config_file", f"{_CONFIG}/postgresql.conf"),
    ("listen_addresses", ""),
    ("hba_file", f"{BESIDE.folder}/pg_hba.conf"),
    ("unix_socket_directories", BESIDE.socket),
    # Its files are synced once it has ended (`synced`).
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "1h"),
    ("maintenance_work_mem", "256MB"),
    ("temp_file_limit", "-1"),
    ("autovacuum", "off"),
    ("idle_in_transaction_session_timeout", "0"),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("lc_messages", "C"),
)


def shown(server: Server, image: str, database: str) -> list[str]:
    """What a database has, without its rows, as a dump."""
    words = ["pg_dump", "--format=custom", "--compress=0", "--schema-only", f"--dbname={database}"]
    return client(server, image, "upgrade-shown", words)


def listed(server: Server, image: str) -> list[str]:
    """The entries of the dump on standard input, a line each."""
    return client(server, image, "upgrade-listed", ["pg_restore", "--list", "--create"])


def dumped(server: Server, image: str, database: str) -> list[str]:
    """A database of the live server as a dump."""
    words = ["pg_dump", "--format=custom", "--compress=0", f"--dbname={database}"]
    return client(server, image, "upgrade-dump", words)


def roles(server: Server, image: str) -> list[str]:
    """Roles of the live server with what their passwords are checked by, and all else that no database has."""
    return client(server, image, "upgrade-roles", ["pg_dumpall", "--globals-only"])


def roles_beside() -> list[str]:
    """The same of the new cluster."""
    return BESIDE.program("pg_dumpall", "--globals-only")


def contents() -> list[str]:
    """The entries of the dump on standard input, by the new cluster's own program."""
    return within(NAME, "pg_restore", "--list", "--create")


def bring(database: str, *options: str, user: str = ADMIN) -> list[str]:
    """Bring the dump on standard input into the new cluster; it ends at the first error."""
    login = (f"--host={BESIDE.socket}", f"--username={user}", "--no-password", f"--dbname={database}")
    return within(NAME, "env", f"PGOPTIONS={_FREE}", "pg_restore", "--exit-on-error", *login, *options)


def bring_as(database: str, owner: str) -> list[str]:
    """Bring the listed entries as the owner of a database, by a role that may do nothing else."""
    options = (f"--role={owner}", "--no-owner", f"--use-list={LIST}")
    return bring(database, *options, user=LOGIN)


def initdb(image: str, shape: Sequence[str]) -> list[str]:
    """Files of an empty cluster, which nobody can log in to without our own `pg_hba.conf`."""
    return [
        *_once(image, "initdb"),
        *(f"--pgdata={BESIDE.folder}/data", f"--username={ADMIN}", "--auth=reject", "--no-sync"),
        *("--no-instructions", *shape),
    ]


def serve(image: str) -> list[str]:
    """The new cluster with the live one's settings, on a socket alone."""
    given = [f"-c{key}={value}" for key, value in _SETTINGS]
    return [
        *("podman", "run", "--detach", "--replace", f"--name={NAME}", "--network=none", *CLOSED),
        *("--shm-size=256m", f"--stop-timeout={_STOP_S}", "--log-driver=k8s-file", "--env=LC_ALL=C"),
        f"--volume={BESIDE.folder}:{BESIDE.folder}",
        f"--volume={paths.POSTGRES_CONFIG}:{_CONFIG}:ro",
        f"--volume={paths.POSTGRES_KEY}:{_KEY}:ro",
        *("--entrypoint=postgres", image, "-D", f"{BESIDE.folder}/data", *given),
    ]


def ended() -> list[str]:
    """End the new cluster as PostgreSQL ends when it is asked to."""
    return ["podman", "stop", f"--time={_STOP_S}", NAME]


def synced(image: str) -> list[str]:
    """Have the disk take all of its files."""
    return [*_once(image, "initdb"), "--sync-only", f"--pgdata={BESIDE.folder}/data"]


def state_of_files(image: str) -> list[str]:
    """What its files say of how it ended."""
    return [*_once(image, "pg_controldata"), f"{BESIDE.folder}/data"]


def _once(image: str, program: str) -> list[str]:
    return [
        *("podman", "run", "--rm", "--replace", f"--name={NAME}-{program}", "--network=none", *CLOSED),
        *("--log-driver=none", "--env=LC_ALL=C", f"--volume={BESIDE.folder}:{BESIDE.folder}"),
        *(f"--entrypoint={program}", image),
    ]
