"""The verb `backups`: which backups there are, asked of the stores."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

from agent.backup.aside import Note, kept
from agent.backup.due import is_late, timers
from agent.documents.errors import Failed
from agent.documents.reader import PROJECT, Reader
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.ability import lacks
from agent.store.backups import Listing, listed, names
from agent.store.record import read_backup_record
from agent.store.settings import HERE, Project, Settings, Store, load_settings
from agent.store.source import read_source, sources
from agent.uploads import runs as uploads
from agent.uploads import undo

Answer = dict[str, object]


def backups(ports: Ports, document: Reader, by: str) -> Answer:
    """`{}` or `{"project"}`: by project and store, newest first; what is wrong with which. Raises BadDocument, Failed.

    A store that can't be reached is said as such; of one that lets nobody read from here (the second one) only names are
    known, `unread`, unless `from` and `keys` name it and bring keys that may. `lacks`: what the second place can't do, as it
    said last. For one project `runs` has the lists of its buckets, by store, and `kept_uploads` what can be taken back.
    """
    document.version()
    one = document.text("project", PROJECT) if document.given("project") else ""
    wanted = read_source(document)
    document.end()
    settings = load_settings(ports)
    reading, read = sources(ports, settings, wanted)
    projects = [each for each in settings.projects if one in ("", each.id)]
    if one and not projects:
        projects = [_left(reading, read, one)]
    found = timers(ports, [project.id for project in projects])
    now = ports.clock.now().timestamp()
    aside = kept(ports, settings, [each.database for each in projects if each.database])
    return {
        "ok": True,
        "lacks": [{"what": lack.what, "remedy": lack.remedy} for lack in lacks(ports, settings)],
        "projects": [
            {
                **_project(reading, read, each, runs=bool(one)),
                **({"kept_uploads": _kept_uploads(ports, settings, each)} if one else {}),
                "kept": _kept(aside.get(each.database or "")),
                "late": is_late(read_backup_record(ports, each.id), found[each.id], now),
            }
            for each in projects
        ],
    }


def _kept(note: Note | None) -> Answer | None:
    if note is None:
        return None
    return {"kind": note.kind, "what": note.what, "at": note.at, "by": note.by, "until": note.until}


def _kept_uploads(ports: Ports, settings: Settings, project: Project) -> list[Answer]:
    """Nothing when the store here can't be asked, which is said elsewhere."""
    here = settings.store(HERE)
    try:
        found = undo.notes(ports, here.place, project.id) if here else []
    except StoreError:
        return []
    return [
        {"bucket": note.bucket, "kind": note.state, "what": note.what, "at": note.at, "by": note.by,
         "until": note.until, "changes": note.changes}
        for note in found
    ]  # fmt: skip


def _left(ports: Ports, settings: Settings, project_id: str) -> Project:
    """A project that isn't backed up any more, and has backups: of a database that was dropped, as a rule. Raises Failed."""
    gone = Project(project_id, None, (), 1, False)
    if any(each["backups"] or each["problem"] for each in (_store(ports, s, gone) for s in settings.stores)):
        return gone
    remedy = "see `backup.enabled` in its manifest, then `pulumi up`"
    raise Failed("settings", f"{project_id} is not backed up here, and has no backup", remedy)


def _project(ports: Ports, settings: Settings, project: Project, *, runs: bool) -> Answer:
    record = read_backup_record(ports, project.id)
    return {
        "project": project.id,
        "database": project.database,
        "retention_days": project.retention_days,
        "proven": record.proven
        and {"id": record.proven.id, "at": record.proven.at, "seconds": record.proven.seconds},
        "uploads": record.uploads and asdict(record.uploads),
        "point_in_time_from": record.point_in_time_from or None,
        "stores": [
            {**_store(ports, store, project), **({"runs": _runs(ports, store, project)} if runs else {})}
            for store in settings.stores
        ],
    }


def _store(ports: Ports, store: Store, project: Project) -> Answer:
    nothing: Answer = {"store": store.name, "problem": None, "backups": [], "wrong": {}, "begun": []}
    try:
        return nothing | _listing(listed(ports, store.place, project.id))
    except StoreError as error:
        if error.kind != "refused" or store.name == HERE:
            return nothing | {"problem": str(error)}
    try:
        return nothing | {"unread": list(names(ports, store.place, project.id))}
    except StoreError as error:
        return nothing | {"problem": str(error)}


def _runs(ports: Ports, store: Store, project: Project) -> dict[str, list[Answer]]:
    """Lists by bucket, the newest first; none of a store that can't be read, which is said of its backups, too."""
    found: dict[str, list[Answer]] = {}
    for bucket in project.buckets:
        with suppress(StoreError):
            listing = uploads.listed(ports, store.place, project.id, bucket)
            found[bucket] = [
                {"id": run.id, "at": run.at, "objects": run.objects, "size": run.size} for run in listing.runs
            ]
    return found


def _listing(found: Listing) -> Answer:
    return {
        "backups": [
            {
                "id": each.id,
                "at": each.at,
                "size": each.size,
                "seconds": each.seconds,
                "postgres": each.postgres,
            }
            for each in found.backups
        ],
        "wrong": dict(found.wrong),
        "begun": list(found.begun),
    }
