"""The verb `restore`: a project's database as a backup or a moment has it, in place of the live one, which is kept."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from datetime import datetime

from agent.backup import aside
from agent.backup.snapshot import Image, server_image
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.restore import dumps, fill, moments, swap, table
from agent.restore.document import Wanted, read_wanted
from agent.restore.plan import estimate, refuse_crowded, refuse_kept
from agent.restore.work import Source, Told, Work, database_of, free_bytes, not_gone, said, target
from agent.store.backups import details
from agent.store.settings import Settings, load_settings
from agent.store.turn import turn

Telling = Generator[Told, None, Told]


def restore(ports: Ports, document: Reader, by: str) -> Telling:
    """`{"project", "backup" | "at"}`, and more that `agent.restore.document` knows.

    Tells phases; nothing has changed unless the answer is ok. Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_wanted(document, by)
    settings = load_settings(ports)
    ports.asker.watch()
    image = server_image(ports, settings.server)
    if wanted.dry_run:
        return (yield from _restored(_work(ports, settings, image, wanted)))
    with turn(ports, "restore", wanted.by, wanted.wait_s):
        aside.tidied(ports, settings)
        return (yield from _restored(_work(ports, settings, image, wanted)))


def _work(ports: Ports, settings: Settings, image: Image, wanted: Wanted) -> Work:
    """Raises Failed."""
    if wanted.into is not None:
        found = target(ports, settings, image, wanted.into.project, wanted.into.database)
    else:
        found = target(ports, settings, image, wanted.project, database_of(settings, wanted.project))
    if not wanted.table:
        refuse_kept(found.kept, found.project, replace=wanted.replace)
    return Work(ports, settings, image, wanted, found)


def _restored(work: Work) -> Telling:
    begun = work.ports.clock.monotonic()
    warnings: list[str] = []
    yield work.told("find")
    if work.wanted.at is None:
        answer = yield from _from_backup(work, warnings)
    else:
        answer = yield from _from_moment(work, work.wanted.at, warnings)
    seconds = round(work.ports.clock.monotonic() - begun, 1)
    return {"ok": True, "end": True, **answer, "seconds": seconds, "warnings": warnings}


def _from_backup(work: Work, warnings: list[str]) -> Telling:
    with said("find"):
        (runs,) = work.asked("SHOW server_version;\n")
    found = dumps.choice(work, runs)
    with said("find"):
        size = estimate(found.backup, details(work.ports, found.backup))
    free = free_bytes(work.ports)
    refuse_crowded(size, free)
    what = f"backup {found.backup.id}"
    if work.wanted.dry_run:
        return _facts(
            work, what, size, free=free, of=found.backup.at, stores=[each.name for each in found.stores]
        )
    yield work.told("room", size=size, free=free)
    source = yield from dumps.source(work, found, warnings)
    return (yield from put_in_place(work, source, size, warnings))


def _from_moment(work: Work, at: datetime, warnings: list[str]) -> Telling:
    found = moments.archived(work, at)
    database = database_of(work.settings, work.wanted.project)
    with said("find"):
        known = aside.look(work.ports, work.server, work.image, (database,)).get(database)
    size, free = known.size if known else 0, free_bytes(work.ports)
    refuse_crowded(size, free)
    if work.wanted.dry_run:
        return _facts(work, moments.words(at), size, free=free, stores=[found.place.bucket])
    yield work.told("recover", size=size, free=free)
    with moments.instance(work, found, at) as running:
        source = moments.source(work, running, database)
        refuse_crowded(source.details.size, free_bytes(work.ports))
        return (yield from put_in_place(work, source, source.details.size, warnings))


def put_in_place(work: Work, source: Source, size: int, warnings: list[str]) -> Telling:
    """Fill a database from a source, check it, and put it where it is wanted; nothing is left beside whatever happens.

    Under the lock of backups. Raises Failed, Unwritable.
    """
    try:
        with closing(fill.filled(work, source)) as filling:
            yield from filling
        yield work.told("check")
        rows, more = fill.checked(work, source)
        warnings += more
        if work.wanted.table:
            yield work.told("copy")
            name, rows = table.copied(work)
            return {**_facts(work, source.what, size), "table": name, "rows": rows}
        if work.wanted.scrub:
            yield work.told("scrub")
            fill.scrubbed(work)
        yield work.told("swap")
        not_gone(work.ports, "swap")
        return {**_facts(work, source.what, size), "rows": rows, **_in_place(work, source)}
    finally:
        fill.cleared(work)


def _in_place(work: Work, source: Source) -> Told:
    """Swap, and remember. Raises Failed."""
    note = aside.noted("before", _what(work, source.what), work.wanted.by, work.ports.clock.now())
    swapped = swap.restored(work.ports, work.settings, work.image, work.target, note)
    audited(work.ports, work.target.project, "restore", note)
    return {
        "swap_ms": swapped.milliseconds, "held": swapped.held, "before": work.target.before, "kept_until": note.until,
    }  # fmt: skip


def audited(ports: Ports, project: str, act: str, note: aside.Note) -> None:
    """A line of the audit log. Raises Unwritable."""
    line = {"project": project, "at": note.at, "outcome": act, "what": note.what, "by": note.by}
    ports.files.append(paths.AUDIT, json.dumps(line, sort_keys=True), 0o600)
    ports.journal.log(f"{act}: {project}: {note.what}")


def _what(work: Work, what: str) -> str:
    return f"restore of {what} of {work.wanted.project}" if work.foreign else f"restore of {what}"


def _facts(work: Work, what: str, size: int, **more: object) -> Told:
    return {
        "project": work.target.project, "database": work.target.live.name, "what": what, "size": size,
        "dry_run": work.wanted.dry_run, **more,
    }  # fmt: skip
