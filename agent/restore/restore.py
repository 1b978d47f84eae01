"""The verb `restore`: a project's database and uploads as a backup or a moment has them. What was there is kept."""

from __future__ import annotations

from collections.abc import Generator

from agent.backup import aside
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host.ports import Ports
from agent.restore.audit import audited
from agent.restore.database import from_backup, from_moment
from agent.restore.document import NEWEST, Wanted, read_wanted
from agent.restore.files import ROUND, Files, goals, moment, parts
from agent.restore.moments import words
from agent.restore.plan import refuse_crowded, refuse_kept
from agent.restore.work import Told, Work, database_of, free_bytes, target
from agent.store.settings import Settings, load_settings
from agent.store.source import sources
from agent.store.turn import turn
from agent.uploads.undo import let_go

Telling = Generator[Told, None, Told]


def restore(ports: Ports, document: Reader, by: str) -> Telling:
    """`{"project", "backup" | "at"}`, and more that `agent.restore.document` knows.

    Tells phases; unless the answer is ok the database is as it was. Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_wanted(document, by)
    settings = load_settings(ports)
    ports.asker.watch()
    if wanted.dry_run:
        return (yield from _restored(ports, settings, wanted))
    with turn(ports, "restore", wanted.by, wanted.wait_s):
        let_go(ports, settings)
        return (yield from _restored(ports, settings, wanted))


def _restored(ports: Ports, settings: Settings, wanted: Wanted) -> Telling:
    begun, warnings = ports.clock.monotonic(), list[str]()
    database, buckets = parts(wanted, settings)
    reading, read = sources(ports, settings, wanted.source)
    since = f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    made = goals(wanted, buckets, since, both=database)
    files = Files(ports, settings, read.stores, made)
    if database:
        work = _work(reading, read, wanted)
        yield work.told("find")
        if wanted.at is None:
            answer = yield from from_backup(work, files, warnings)
        else:
            answer = yield from from_moment(work, files, wanted.at, warnings)
    else:
        answer = yield from _uploads(files, wanted, warnings)
    seconds = round(ports.clock.monotonic() - begun, 1)
    return {"ok": True, "end": True, **answer, "seconds": seconds, "warnings": warnings}


def _work(ports: Ports, settings: Settings, wanted: Wanted) -> Work:
    """Raises Failed."""
    image = server_image(ports, settings.server)
    if not wanted.dry_run:
        aside.tidied(ports, settings)
    if wanted.into is not None:
        found = target(ports, settings, image, wanted.into.project, wanted.into.database)
    else:
        found = target(ports, settings, image, wanted.project, database_of(settings, wanted.project))
    if not wanted.table:
        refuse_kept(found.kept, found.project, replace=wanted.replace)
    return Work(ports, settings, image, wanted, found)


def _uploads(files: Files, wanted: Wanted, warnings: list[str]) -> Telling:
    """Uploads alone: no database is asked. Raises Failed, Unwritable."""
    ports, project = files.ports, wanted.into.project if wanted.into else wanted.project
    yield {"project": project, "phase": "find"}
    at = moment(wanted, None)
    if at and at > (now := ports.clock.now()) + ROUND:
        cause = f"{at:%Y-%m-%d %H:%M:%S} UTC is not past yet: it is {now:%Y-%m-%d %H:%M:%S}"
        raise Failed("find", cause, "name an earlier moment")
    what = words(at) if at or wanted.backup != NEWEST else "what was saved last"
    if wanted.objects:
        what = f"{wanted.objects} as of {what}"
    done = f"restore of {what} of {wanted.project}" if wanted.into else f"restore of {what}"
    warnings += files.look(at, done)
    free = free_bytes(ports)
    refuse_crowded(0, free, files.size)
    if not wanted.dry_run:
        yield {"project": project, "phase": "room", "size": files.size, "free": free}
        yield from files.write()
        files.end()
        warnings += files.warnings()
        audited(ports, project, "restore", done, wanted.by)
    facts = {"project": project, "what": what, "size": files.size, "dry_run": wanted.dry_run, "free": free}
    return {**facts, "uploads": files.told()}
