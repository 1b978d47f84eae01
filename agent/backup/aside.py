"""Databases beside a project's own: the one that a restore fills, and the one that it has put aside, kept for a while.

All that has to be known of them is in PostgreSQL: their names, and a comment that says what they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.backup import programs, queries
from agent.backup.snapshot import Image, server_image
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.store.record import Kept, note, read_backup_record
from agent.store.settings import Server, Settings

RESTORING: Final = "_restoring"
BEFORE: Final = "_before_restore"
KEPT: Final = timedelta(days=7)
"""How long what a restore has put aside stays."""
_LONGEST: Final = 63
_AT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Note:
    """What a database's comment says: `restoring` (being filled), `swapping` (closed for a moment), `before` (a restore has
    put it aside) or `undone` (taking a restore back has); what was done, by whom, when, and until when it is kept."""

    kind: str
    what: str = ""
    by: str = ""
    at: str = ""
    until: str = ""

    def text(self) -> str:
        return json.dumps(
            {"codeb": self.kind, "what": self.what, "by": self.by, "at": self.at, "until": self.until}
        )

    @property
    def over(self) -> datetime | None:
        """Until when it is kept; None when it doesn't say."""
        try:
            return datetime.strptime(self.until, _AT).replace(tzinfo=UTC)
        except ValueError:
            return None


@dataclass(frozen=True)
class Database:
    """A database: bytes on disk, owner, whether anybody may log in, and our note of it, where there is one."""

    name: str
    size: int
    owner: str
    open: bool
    note: Note | None


def restoring(database: str) -> str:
    """What a restore fills. Raises Failed when that is too long for a name."""
    before(database)
    return f"{database}{RESTORING}"


def before(database: str) -> str:
    """What a restore puts aside. Raises Failed when that is too long for a name."""
    name = f"{database}{BEFORE}"
    if len(name) > _LONGEST:
        raise Failed("settings", f"{name} is too long for a name", "give the project a shorter id")
    return name


def noted(kind: str, what: str, by: str, now: datetime) -> Note:
    """A note that is kept as long as it is."""
    return Note(kind, what, by, now.strftime(_AT), (now + KEPT).strftime(_AT))


def read_note(comment: str) -> Note | None:
    """What a comment says; None for one that isn't ours."""
    try:
        found = json.loads(comment)
        return Note(found["codeb"], *(str(found[key]) for key in ("what", "by", "at", "until")))
    except (ValueError, KeyError, TypeError):
        return None


def asked(ports: Ports, server: Server, image: Image, text: str, database: str = programs.ADMIN) -> list[str]:
    """The lines that psql answers, logged in as the administrator. Raises PipeBroken."""
    argv = programs.psql(server, image.id, "asked", database)
    answer = b"".join(ports.pipes.flow([argv], [text.encode()])).decode("utf-8", "replace")
    return [line for line in answer.split("\n") if line]


def look(
    ports: Ports, server: Server, image: Image, names: Iterable[str], ends: Iterable[str] = ()
) -> dict[str, Database]:
    """Those of these databases that there are, by name. Raises PipeBroken."""
    lines = asked(ports, server, image, queries.look(list(names), list(ends)))
    rows = [json.loads(line) for line in lines]
    return {
        name: Database(name, int(size), owner, bool(is_open), read_note(comment))
        for name, size, owner, is_open, comment in rows
    }


def kept(ports: Ports, settings: Settings, databases: Iterable[str]) -> dict[str, Note]:
    """What restores have put aside, by the database that is in its place; nothing when PostgreSQL can't be asked."""
    names = {f"{database}{BEFORE}": database for database in databases}
    try:
        found = look(ports, settings.server, server_image(ports, settings.server), names)
    except (PipeBroken, Failed):
        return {}
    return {names[each.name]: each.note for each in found.values() if each.note}


def drop(ports: Ports, server: Server, image: Image, *names: str) -> None:
    """Raises PipeBroken."""
    asked(ports, server, image, queries.drop(list(names)))


def remembered(ports: Ports, project: str, found: Database | None) -> None:
    """Let `status` know what is put aside, without asking PostgreSQL. Under the lock of backups. Raises Unwritable."""
    kept = None
    if found is not None and (told := found.note) is not None:
        kept = Kept(told.what, told.at, told.until, found.size, told.kind == "undone")
    if read_backup_record(ports, project).kept != kept:
        note(ports, project, kept=kept)


def _remember(ports: Ports, settings: Settings, found: Mapping[str, Database]) -> None:
    """What there is now, also of a run that was killed before it said so."""
    for project in settings.projects:
        if project.database is not None:
            remembered(ports, project.id, found.get(f"{project.database}{BEFORE}"))


def tidied(ports: Ports, settings: Settings) -> list[str]:
    """Finish what restores have left that were killed, and drop what has been kept long enough; names of what went.

    Under the lock of backups. What PostgreSQL refuses is in the journal, and tried again by the next run.
    """
    for path in (paths.RESTORE_LOGIN, paths.RESTORE_LIST):
        ports.files.remove(path)
    try:
        image = server_image(ports, settings.server)
        found = look(ports, settings.server, image, (), (RESTORING, BEFORE))
        closed = [each.name for each in found.values() if each.note and each.note.kind == "swapping"]
        gone = [each.name for each in found.values() if _may_go(each, ports.clock.now())]
        if closed:
            asked(ports, settings.server, image, queries.reopen(closed))
            ports.journal.log(
                f"restore: {', '.join(closed)} was closed by a run that ended too early, and is open again"
            )
        if gone:
            drop(ports, settings.server, image, *gone)
        _remember(ports, settings, {name: each for name, each in found.items() if name not in gone})
    except (PipeBroken, Failed) as error:
        ports.journal.log(f"restore: what is left of earlier ones can't be removed: {error}")
        return []
    for name in gone:
        ports.journal.log(f"restore: {name} is dropped: nobody needs it any more")
    return gone


def _may_go(found: Database, now: datetime) -> bool:
    """A swap's own names are never among these: it leaves a note by the other kinds."""
    if found.note is None:
        return False
    if found.name.endswith(RESTORING):
        return found.note.kind == "restoring"
    if not found.name.endswith(BEFORE):
        return False
    return found.note.over is not None and found.note.over < now
