"""One proof: the newest backup of a project from a store into an empty PostgreSQL, and its rows counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from agent.archive.throwaway import Throwaway
from agent.backup import queries
from agent.backup.programs import without_rows
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken, run
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.proof import compare, instance, programs
from agent.store import backups
from agent.store.backups import Backup, Details
from agent.store.record import BackupRecord, read_backup_record
from agent.store.sealed import Damaged
from agent.store.settings import Project, Settings, Store

LONGEST_S: Final = 4 * 3600
"""Of one proof, for which backups wait."""
_COUNT_S: Final = 2 * 3600
_ANOTHER: Final = (
    "`codeb backup {}` makes another one now; see `dmesg` of the store's disk, and docs/backup.md"
)

Told = dict[str, object]


@dataclass(frozen=True)
class Restored:
    """A backup that came back as it was noted. `seconds` is what pg_restore took, `image` the digest of what it ran in."""

    backup: Backup
    store: str
    image: str
    seconds: float
    tables: int
    rows: int


def newest(ports: Ports, settings: Settings, project: Project) -> tuple[Store, Backup]:
    """The newest backup, from the first store that can be asked. Raises Failed: what should be the newest is none."""
    refused = []
    for store in settings.stores:
        try:
            found = backups.listed(ports, store.place, project.id)
        except StoreError as error:
            refused.append(str(error))
            continue
        _nothing_newer(project, store, found, read_backup_record(ports, project.id))
        return store, found.backups[0]
    raise Failed(
        "store", "; ".join(refused), "see that the store runs and can be reached from the data server"
    )


def _nothing_newer(project: Project, store: Store, found: backups.Listing, record: BackupRecord) -> None:
    """Raises Failed when a newer one than the newest good backup is damaged, or isn't there any more."""
    remedy = _ANOTHER.format(project.id)
    best = found.backups[0].id if found.backups else ""
    wrong = max(found.wrong, default="")
    if wrong > best:
        raise Failed("damaged", f"{wrong} in {store.name} {found.wrong[wrong]}", remedy)
    last = record.last
    if last is not None and store.name in last.stores and last.id > best:
        raise Failed("missing", f"{last.id} was stored in {store.name} and isn't there any more", remedy)
    if not best:
        raise Failed("missing", f"{store.name} has no backup of {project.id}", remedy)


def restored(
    ports: Ports, settings: Settings, project: Project, store: Store, backup: Backup
) -> Generator[Told, None, Restored]:
    """Restore a backup, count, compare; tells phases. Raises Failed, Unwritable."""
    guard = _Guard(ports)
    remedy = _ANOTHER.format(project.id)
    try:
        noted = backups.details(ports, backup)
    except Damaged as error:
        raise Failed("damaged", str(error), remedy) from None
    except PipeBroken as error:
        raise Failed("instance", str(error), "install the package `age`: `pulumi up` does") from None
    image = server_image(ports, settings.server)
    live = instance.ask_live(ports, settings.server, image, backup.database)
    instance.room_for(ports, max(noted.size, live.size, backup.size))
    yield {"phase": "prepare", "size": backup.size}
    with instance.fresh(ports, image, {*live.roles, noted.owner, *noted.role_settings}) as server:
        yield {"phase": "restore", "size": live.size}
        begun = ports.clock.monotonic()
        _filled(ports, server, store, backup, guard, remedy)
        seconds = round(ports.clock.monotonic() - begun, 1)
        yield {"phase": "compare"}
        counted = _compared(ports, server, backup, noted, guard, remedy)
    return Restored(backup, store.name, image.digest, seconds, len(counted), sum(counted.values()))


def _filled(
    ports: Ports, server: Throwaway, store: Store, backup: Backup, guard: _Guard, remedy: str
) -> None:
    """Raises Failed."""
    argv = server.program("pg_restore", *programs.pg_restore())
    dump = backups.dump(ports, store.place, backup, unless=guard)
    try:
        run(ports.pipes, [argv], dump, unless=guard)
    except Damaged as error:
        raise Failed("damaged", str(error), remedy) from None
    except StoreError as error:
        raise Failed("store", str(error), "see the store's own log, then run again") from None
    except PipeBroken as error:
        guard.check()
        if "No space left on device" in error.said:
            raise Failed("room", str(error), "make room on the data server's disk") from None
        why, log = without_rows(error)
        cause = f"{backup.id} can't be restored: {why}"[:500]
        raise Failed("restore", cause, remedy, log=log) from None


def _compared(
    ports: Ports, server: Throwaway, backup: Backup, noted: Details, guard: _Guard, remedy: str
) -> dict[str, int]:
    """Rows by table. Raises Failed unless they are what was noted."""
    said = ports.runner.run(
        server.psql(backup.database), stdin=queries.rows(), timeout_s=_COUNT_S, unless=guard
    )
    guard.check()
    if not said.ok:
        raise Failed("compare", f"{backup.id} was restored, and can't be counted: {said.text[:300]}", remedy)
    found = dict(json.loads(line) for line in said.out.splitlines() if line and line != queries.OVER)
    wrong = compare.differences(noted.rows, found)
    if wrong:
        cause = f"{backup.id} came back with other rows than it was made of: {compare.in_words(wrong)}"
        raise Failed("compare", cause, remedy, log=wrong[:20])
    return found


class _Guard:
    """Says that a proof has to end: nobody waits for it, it takes too long, or the disk gets full."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._end = ports.clock.monotonic() + LONGEST_S
        self._why: Callable[[], Failed] | None = None

    def __call__(self) -> bool:
        if self._why is None:
            self._why = self._found()
        return self._why is not None

    def check(self) -> None:
        """Raises Failed when it had to end."""
        if self._why is not None:
            raise self._why()

    def _found(self) -> Callable[[], Failed] | None:
        gone = self._ports.asker.gone()
        if gone:
            return lambda: Failed(
                "restore", f"nobody waits for it any more: {gone}", "run again", interrupted=True
            )
        if instance.full(self._ports):
            return lambda: Failed("room", "the disk got too full for a proof", "make room, then run again")
        if self._ports.clock.monotonic() > self._end:
            hours = LONGEST_S // 3600
            return lambda: Failed("time", f"it was not through after {hours} hours", "see docs/backup.md")
        return None
