"""An empty PostgreSQL of the image that serves now, on files of its own; and what the live one says that it takes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from agent.archive import programs as containers
from agent.archive import throwaway
from agent.archive.throwaway import Throwaway
from agent.backup import programs as clients
from agent.backup.queries import OVER
from agent.backup.snapshot import Image
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ANY, Reader
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.proof import programs, queries
from agent.store.settings import Server

FULL_PERCENT: Final = 92.0
"""A proof ends when the disk, which it shares with the live database, is as full as that."""
_SPARE: Final = 1 << 30
_SETTINGS: Final = (
    *throwaway.SETTINGS,
    ("wal_level", "minimal"),
    ("max_wal_size", "256MB"),
    ("max_parallel_maintenance_workers", "0"),
    ("max_parallel_workers_per_gather", "0"),
)
_START_S: Final = 600
_AGAIN: Final = "`journalctl -t codeb-agent` has more; run again"


@dataclass(frozen=True)
class Live:
    """What the live server says: its roles, and the bytes that a database takes there, 0 when it isn't there any more."""

    roles: tuple[str, ...]
    size: int


def ask_live(ports: Ports, server: Server, image: Image, database: str) -> Live:
    """Raises Failed."""
    try:
        with ports.pipes.session(clients.psql(server, image.id, "proof", "postgres")) as session:
            found = Reader(json.loads("".join(session.ask(queries.live(database), OVER))), "answer")
        size = found.whole("bytes", 0, 1 << 60) if found.given("bytes") else 0
        return Live(found.texts("roles", ANY), size)
    except (PipeBroken, BadDocument, ValueError) as error:
        raise Failed("database", f"PostgreSQL can't be asked: {error}", "`journalctl -u postgres`") from None


def room_for(ports: Ports, size: int) -> None:
    """Raises Failed when a database of so many bytes, its WAL and its sorting have no room beside the live one."""
    ports.files.directory(paths.PROOFS, 0o711, "root:root")
    needed = size + size // 2 + _SPARE
    words = ports.runner.run(containers.room(paths.PROOFS)).out.split()
    free = int(words[-1]) if words and words[-1].isdigit() else 0
    if free < needed:
        cause = f"a proof takes up to {needed >> 20} MiB below {paths.PROOFS}, and {free >> 20} MiB are free"
        raise Failed("room", cause, "make room on the data server's disk")
    if full(ports):
        raise Failed("room", f"the disk of {paths.PROOFS} is full up to {FULL_PERCENT:.0f} %", "make room")


def full(ports: Ports) -> bool:
    """Whether the disk has so little room left that the live database comes first."""
    return ports.files.disk_used_percent(paths.PROOFS) >= FULL_PERCENT


@contextmanager
def fresh(ports: Ports, image: Image, roles: Iterable[str]) -> Generator[Throwaway, None, None]:
    """An empty server that has these roles; gone at the end, with its files. Raises Failed."""
    name = f"{programs.PREFIX}{secrets.token_hex(4)}"
    server = Throwaway(name, f"{paths.PROOFS}/{name}")
    try:
        _begun(ports, server, image)
        made = ports.runner.run(server.psql("postgres"), stdin=queries.roles(roles))
        if not made.ok:
            raise Failed("instance", f"its roles can't be made: {made.text[:300]}", _AGAIN)
        yield server
    finally:
        _gone(ports, name)


def leftovers(ports: Ports) -> list[str]:
    """Remove what proofs that were killed left behind; their names. Under the lock of backups."""
    found = [name for name in ports.files.listing(paths.PROOFS) if name.startswith(programs.PREFIX)]
    for name in found:
        _gone(ports, name)
    return found


def _begun(ports: Ports, server: Throwaway, image: Image) -> None:
    """Raises Failed, Unwritable."""
    ports.files.directory(server.folder, 0o711, "root:root")
    for name in ("data", "socket"):
        ports.files.directory(f"{server.folder}/{name}", 0o700, programs.OWNER)
    made = ports.runner.run(programs.initdb(server.name, image.id, server.folder), timeout_s=_START_S)
    if not made.ok:
        raise Failed("instance", f"no empty cluster can be made: {made.text[:300]}", _AGAIN)
    ports.files.write(f"{server.folder}/pg_hba.conf", throwaway.LOGINS, 0o600, programs.OWNER)
    given = [*_SETTINGS, *throwaway.places(server)]
    started = ports.runner.run(
        containers.recovery(server.name, image.id, server.folder, given), timeout_s=_START_S
    )
    if not started.ok:
        raise Failed("instance", f"PostgreSQL can't be started: {started.text[:300]}", _AGAIN)
    if not throwaway.comes_up(ports, server):
        log = throwaway.said(ports, server)
        cause = f"PostgreSQL ended: {throwaway.complaint(log)}"
        raise Failed("instance", cause, _AGAIN, log=throwaway.end_of(log))


def _gone(ports: Ports, name: str) -> None:
    ports.runner.run(containers.gone(name), timeout_s=120)
    ports.files.remove_tree(f"{paths.PROOFS}/{name}")
