"""What this host remembers of a project's backups, so that `status` asks no store. Nothing in it is secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from agent.documents.errors import BadDocument
from agent.documents.reader import SLUG, Reader
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Made:
    """The newest good backup: its id, when its data was read (ISO, UTC), bytes stored, seconds, which stores have it."""

    id: str
    at: str
    size: int
    seconds: float
    stores: tuple[str, ...]


@dataclass(frozen=True)
class Mirror:
    """The newest run that saved all buckets of a project.

    When it began, objects and bytes in them, what of it came since the run before, seconds, which stores have it.
    """

    at: str
    objects: int
    size: int
    added: int
    seconds: float
    stores: tuple[str, ...]


@dataclass(frozen=True)
class Missed:
    """The last failure since the newest good backup."""

    at: str
    phase: str
    cause: str


@dataclass(frozen=True)
class Proof:
    """The newest backup that was restored and compared: which, when, and how long that took."""

    id: str
    at: str
    seconds: float


@dataclass(frozen=True)
class Kept:
    """The database that a restore has put aside, or (`undone`) that was put aside by taking it back: what was done in words,
    when, until when it is kept, bytes on disk."""

    what: str
    at: str
    until: str
    size: int
    undone: bool


@dataclass(frozen=True)
class BackupRecord:
    """All of it. `told_late`: the trigger (seconds since 1970) after which somebody was told that the backup is late.

    `unproven` is the last proof that did not come about, since the last that did. `unproven_since`: of when the oldest good
    backup is that is younger than the last proof, "" for none; `told_unproven`: the one after which somebody was told.
    """

    last: Made | None = None
    failed: Missed | None = None
    proven: Proof | None = None
    point_in_time_from: str = ""
    told_late: float = 0.0
    unproven: Missed | None = None
    unproven_since: str = ""
    told_unproven: str = ""
    uploads: Mirror | None = None
    kept: Kept | None = None

    @property
    def saved_at(self) -> str | None:
        """Since when not all is saved that was once (ISO, UTC); None when nothing ever was."""
        return min((each.at for each in (self.last, self.uploads) if each), default=None)


def read_backup_record(ports: Ports, project: str) -> BackupRecord:
    """What is known of a project; nothing when its file isn't there or can't be read (the stores know better)."""
    content = ports.files.read(_path(project))
    if content is None:
        return BackupRecord()
    try:
        return _record(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        ports.journal.log(f"backup: {_path(project)} can't be read and is begun anew: {error}")
        return BackupRecord()


def note(ports: Ports, project: str, **changes: Any) -> BackupRecord:
    """Change fields of a project's record, under the lock of backups. Raises Unwritable."""
    record = replace(read_backup_record(ports, project), **changes)
    ports.files.directory(paths.BACKUPS, 0o700, "root:root")
    ports.files.write(_path(project), json.dumps({"version": 1, **asdict(record)}).encode() + b"\n", 0o600)
    return record


def _path(project: str) -> str:
    return f"{paths.BACKUPS}/{project}.json"


def _record(reader: Reader) -> BackupRecord:
    reader.version()
    last, failed, proven, uploads, unproven, kept = (
        reader.maybe(key) for key in ("last", "failed", "proven", "uploads", "unproven", "kept")
    )
    return BackupRecord(
        last=None if last is None else _made(last),
        failed=None if failed is None else _missed(failed),
        proven=None
        if proven is None
        else Proof(proven.text("id"), proven.text("at"), proven.number("seconds")),
        point_in_time_from=reader.text("point_in_time_from", default=""),
        told_late=reader.number("told_late"),
        unproven=None if unproven is None else _missed(unproven),
        unproven_since=reader.text("unproven_since", default=""),
        told_unproven=reader.text("told_unproven", default=""),
        uploads=None if uploads is None else _mirror(uploads),
        kept=None if kept is None else _kept(kept),
    )


def _kept(reader: Reader) -> Kept:
    return Kept(
        what=reader.text("what"),
        at=reader.text("at"),
        until=reader.text("until"),
        size=reader.whole("size", 0, 1 << 62),
        undone=reader.flag("undone"),
    )


def _mirror(reader: Reader) -> Mirror:
    return Mirror(
        at=reader.text("at"),
        objects=reader.whole("objects", 0, 1 << 60),
        size=reader.whole("size", 0, 1 << 60),
        added=reader.whole("added", 0, 1 << 60),
        seconds=reader.number("seconds"),
        stores=reader.texts("stores", SLUG),
    )


def _made(reader: Reader) -> Made:
    return Made(
        id=reader.text("id"),
        at=reader.text("at"),
        size=reader.whole("size", 0, 1 << 60),
        seconds=reader.number("seconds"),
        stores=reader.texts("stores", SLUG),
    )


def _missed(reader: Reader) -> Missed:
    return Missed(reader.text("at"), reader.text("phase"), reader.text("cause"))
