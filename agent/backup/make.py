"""One backup of one project: snapshot, dump, seal, read back, say that it is there, copy to the other stores."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from agent.backup import programs
from agent.backup.copies import copied
from agent.backup.snapshot import Image, Snapshot, server_image, snapshot
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken, run
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store import backups
from agent.store.backups import Backup
from agent.store.sealed import Damaged, Sealed, put_sealed
from agent.store.settings import HERE, Project, Settings, Store

Telling = Generator[dict[str, object], None, "Outcome"]

_REMEDIES: Final = {
    "unreachable": "see that the store runs and can be reached from the data server, then run again",
    "refused": "the store takes these keys no more or gives them too few rights: see docs/backup.md, then `pulumi up`",
    "missing": "the bucket isn't there: `pulumi up` makes the one of this stack; the second place's is yours to make",
    "full": "make room in the store, or keep backups for fewer days (`backup.retention_days`)",
    "wrong": "see the store's own log, then run again",
}


@dataclass(frozen=True)
class Outcome:
    """A good backup, the stores that have it, and what went wrong with the others, in words by store."""

    backup: Backup
    stores: tuple[str, ...]
    missed: dict[str, str]


@dataclass(frozen=True)
class _Work:
    """What all steps of one backup have in common."""

    ports: Ports
    settings: Settings
    project: Project
    database: str
    image: Image
    id: str

    def told(self, phase: str, **more: object) -> dict[str, object]:
        return {"project": self.project.id, "backup": self.id, "phase": phase, **more}


def make(ports: Ports, settings: Settings, project: Project) -> Telling:
    """Back a project's database up; tells each phase. Raises Failed, Unwritable."""
    if project.database is None:
        raise Failed("settings", f"{project.id} has no database", "its uploads are saved on their own")
    begun = ports.clock.monotonic()
    backup_id = backups.new_id(ports.clock.now(), secrets.token_hex(2))
    work = _Work(ports, settings, project, project.database, server_image(ports, settings.server), backup_id)
    yield work.told("count")
    with snapshot(ports, settings.server, work.image, work.database) as found:
        yield work.told("dump", size=found.size)
        store, sealed, missed = _first(work, found)
    yield work.told("verify", size=sealed.size)
    backup = _document(work, found, sealed, ports.clock.monotonic() - begun)
    if unread := _verified(work, store, backup):
        missed = {name: f"{why}; {unread}" for name, why in missed.items()}
    text = backups.document(ports, backup)
    try:
        ports.s3.put(store.place, backups.document_key(project.id, backup.id), text)
    except StoreError as error:
        raise Failed("store", str(error), _REMEDIES[error.kind]) from None
    stores = [store.name]
    for other in settings.stores:
        if other is not store and other.name not in missed:
            yield work.told("copy", store=other.name)
            if problem := copied(ports, store, other, backup, text):
                missed[other.name] = problem
            else:
                stores.append(other.name)
    return Outcome(backup, tuple(stores), missed)


def _first(work: _Work, found: Snapshot) -> tuple[Store, Sealed, dict[str, str]]:
    """Dump into the first store that takes it. Raises Failed when none does."""
    missed: dict[str, str] = {}
    last: StoreError | None = None
    for store in work.settings.stores:
        try:
            with _said("dump"):
                return store, _dumped(work, store, found), missed
        except StoreError as error:
            missed[store.name], last = str(error), error
    raise Failed("store", "; ".join(missed.values()), _REMEDIES[last.kind if last else "wrong"])


def _dumped(work: _Work, store: Store, found: Snapshot) -> Sealed:
    server = work.settings.server
    dump = programs.pg_dump(server, work.image.id, "dump", work.database, found.name)
    return put_sealed(
        work.ports,
        store.place,
        backups.dump_key(work.project.id, work.id),
        work.ports.pipes.flow([dump], unless=work.ports.asker.gone),
        work.settings.recipient,
        expected=found.size,
        unless=work.ports.asker.gone,
    )


def _document(work: _Work, found: Snapshot, sealed: Sealed, seconds: float) -> Backup:
    with _said("store"):
        details = backups.sealed_details(work.ports, found.details, work.settings.recipient)
    return Backup(
        id=work.id,
        project=work.project.id,
        database=work.database,
        at=f"{found.at:%Y-%m-%dT%H:%M:%SZ}",
        seconds=round(seconds, 1),
        size=sealed.size,
        sha256=sealed.sha256,
        plain_sha256=sealed.plain_sha256,
        postgres=found.version,
        image=work.image.digest,
        sealed=details,
    )


def _verified(work: _Work, store: Store, backup: Backup) -> str:
    """Read it back from the store, opened, to its last byte; why it wasn't, "" when it was. Raises Failed.

    Only the second place lets nobody read from here, and it is the first to have a backup when the store here takes none.
    """
    reads = programs.pg_restore_reads(work.settings.server, work.image.id, "verify")
    pieces = backups.dump(work.ports, store.place, backup, unless=work.ports.asker.gone)
    with _said("verify"):
        try:
            run(work.ports.pipes, [reads], pieces, unless=work.ports.asker.gone)
        except StoreError as error:
            if error.kind == "refused" and store.name != HERE:
                return f"what {store.name} has was not read back, as it lets nobody read from here"
            raise Failed("verify", str(error), _REMEDIES[error.kind]) from None
    return ""


class _said:
    """What programs and sums say becomes Failed in this phase; what a store says stays its own."""

    def __init__(self, phase: str) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PipeBroken):
            interrupted = error.first.code == 130
            remedy = (
                "run again" if interrupted else "`journalctl -u postgres` and `df -h` may say more; run again"
            )
            log = tuple(error.said.splitlines()[-20:])
            raise Failed(self._phase, str(error), remedy, log=log, interrupted=interrupted) from None
        if isinstance(error, Damaged):
            raise Failed(self._phase, str(error), "look at the store's disk, then run again") from None
