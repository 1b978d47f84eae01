"""A project's database as a backup or a moment has it, in place of the live one, which is kept; its uploads before it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import datetime

from agent.backup import aside
from agent.documents.errors import Failed
from agent.restore import dumps, fill, moments, swap, table
from agent.restore.audit import audited
from agent.restore.files import BACK, Files, moment
from agent.restore.plan import estimate, refuse_crowded
from agent.restore.work import Source, Told, Work, database_of, free_bytes, not_gone, said
from agent.store.backups import details

Telling = Generator[Told, None, Told]


def from_backup(work: Work, files: Files, warnings: list[str]) -> Telling:
    """As a backup has it. Raises Failed, Unwritable."""
    with said("find"):
        (runs,) = work.asked("SHOW server_version;\n")
    found = dumps.choice(work, runs)
    with said("find"):
        size = estimate(found.backup, details(work.ports, found.backup))
    what = f"backup {found.backup.id}"
    warnings += files.look(moment(work.wanted, found.backup.moment), restore_of(work, what))
    free = free_bytes(work.ports)
    refuse_crowded(size, free, files.size)
    if work.wanted.dry_run:
        stores = [each.name for each in found.stores]
        return _facts(work, files, what, size, free=free, of=found.backup.at, stores=stores)
    yield work.told("room", size=size + files.size, free=free)
    source = yield from dumps.source(work, found, warnings)
    return (yield from put_in_place(work, files, source, size, warnings))


def from_moment(work: Work, files: Files, at: datetime, warnings: list[str]) -> Telling:
    """As it was at a moment. Raises Failed, Unwritable."""
    found = moments.archived(work, at)
    database = database_of(work.settings, work.wanted.project)
    with said("find"):
        known = aside.look(work.ports, work.server, work.image, (database,)).get(database)
    what = moments.words(at)
    warnings += files.look(at, restore_of(work, what))
    size, free = known.size if known else 0, free_bytes(work.ports)
    refuse_crowded(size, free, files.size)
    if work.wanted.dry_run:
        return _facts(work, files, what, size, free=free, stores=[found.place.bucket])
    yield work.told("recover", size=size + files.size, free=free)
    with moments.instance(work, found, at) as running:
        source = moments.source(work, running, database)
        refuse_crowded(source.details.size, free_bytes(work.ports), files.size)
        return (yield from put_in_place(work, files, source, source.details.size, warnings))


def put_in_place(work: Work, files: Files, source: Source, size: int, warnings: list[str]) -> Telling:
    """Fill, check, and put it where it is wanted; nothing is left beside whatever happens."""
    try:
        with closing(fill.filled(work, source)) as filling:
            yield from filling
        yield work.told("check")
        rows, more = fill.checked(work, source)
        warnings += more
        if work.wanted.table:
            yield work.told("copy")
            name, rows = table.copied(work)
            return {**_facts(work, files, source.what, size), "table": name, "rows": rows}
        if work.wanted.scrub:
            yield work.told("scrub")
            fill.scrubbed(work)
        swapped = yield from _with_uploads(work, files, source, warnings)
        return {**_facts(work, files, source.what, size), "rows": rows, **swapped}
    finally:
        fill.cleared(work)


def _with_uploads(work: Work, files: Files, source: Source, warnings: list[str]) -> Telling:
    """Files that the rows name are there before the rows are, and those that they don't go after. Raises Failed."""
    try:
        yield from files.write()
        yield work.told("swap")
        not_gone(work.ports, "swap")
        swapped = _in_place(work, source)
    except Failed as error:
        if files.begun and error.failure.phase != "uploads":
            error.failure = error.failure.but_put_back(f"the database is as it was; {BACK}")
        raise
    try:
        files.end()
    except Failed as error:
        warnings.append(f"what came since is not all removed: {error}; `--only uploads --exact` does it")
    warnings += files.warnings()
    return swapped


def _in_place(work: Work, source: Source) -> Told:
    """Swap, and remember. Raises Failed."""
    note = aside.noted("before", restore_of(work, source.what), work.wanted.by, work.ports.clock.now())
    swapped = swap.restored(work.ports, work.settings, work.image, work.target, note)
    audited(work.ports, work.target.project, "restore", note.what, note.by)
    return {
        "swap_ms": swapped.milliseconds, "held": swapped.held, "before": work.target.before, "kept_until": note.until,
    }  # fmt: skip


def restore_of(work: Work, what: str) -> str:
    """What is done, in words."""
    return f"restore of {what} of {work.wanted.project}" if work.foreign else f"restore of {what}"


def _facts(work: Work, files: Files, what: str, size: int, **more: object) -> Told:
    return {
        "project": work.target.project, "database": work.target.live.name, "what": what, "size": size,
        "dry_run": work.wanted.dry_run, **({"uploads": files.told()} if files.works else {}), **more,
    }  # fmt: skip
