"""The verb `restore-undo`: what the last restore has changed is as it was before: uploads, then the database."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass

from agent.backup import aside
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.restore import swap
from agent.restore.audit import audited
from agent.restore.document import DATABASE_ONLY, UPLOADS_ONLY, Undo, read_undo
from agent.restore.taken import taken_back
from agent.restore.work import Told, database_of, said, target
from agent.store.settings import HERE, Settings, load_settings
from agent.store.turn import turn
from agent.uploads import undo
from agent.uploads.undo import BEGUN, UNDONE, Note

Telling = Generator[Told, None, Told]
_LIST = "`codeb restore list` says what can be restored"


@dataclass(frozen=True)
class Last:
    """What there is to take back: of the database its note, and of each bucket. Either may be nothing."""

    database: aside.Note | None
    buckets: Sequence[Note] = ()

    @property
    def what(self) -> str:
        """In words."""
        return self.database.what if self.database else next((each.what for each in self.buckets), "")


def restore_undo(ports: Ports, document: Reader, by: str) -> Telling:
    """`{"project"}`, `database` for one that isn't backed up itself, `only` for a part. Tells phases.

    Run again it stays there (`changed` is false then). Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_undo(document, by)
    settings = load_settings(ports)
    ports.asker.watch()
    with turn(ports, "restore-undo", wanted.by):
        undo.let_go(ports, settings)
        database = "" if wanted.only == UPLOADS_ONLY else _database(settings, wanted)
        noted = _noted(ports, settings, wanted, database) if database else None
        last = chosen(noted, _notes(ports, settings, wanted))
        if last.database is None and not last.buckets:
            there = f": there is no {aside.before(database)}" if database else ""
            raise Failed("find", f"nothing was put aside{there}", _LIST)
        return (yield from _undone(ports, settings, wanted, database, last))


def chosen(database: aside.Note | None, buckets: Sequence[Note]) -> Last:
    """The last restore's part of what can be taken back: both when one restore brought both, else the later one. What was
    only begun is a part of it whenever that was."""
    since = max((each.at for each in buckets), default="")
    last = [each for each in buckets if each.at == since or each.state == BEGUN]
    newest = sorted(last, key=lambda each: each.bucket)
    if database is None or not newest:
        return Last(database, newest)
    if database.at < since:
        return Last(None, newest)
    return Last(database, newest if any(each.both for each in newest) else ())


def _undone(ports: Ports, settings: Settings, wanted: Undo, database: str, last: Last) -> Telling:
    """Files first: rows never name what isn't there."""
    answer: Told = {"ok": True, "project": wanted.project, "what": last.what, "changed": False}
    taken = []
    for note in last.buckets:
        if note.state != UNDONE:
            taken.append((yield from taken_back(ports, _here(settings), note)))
    if taken:
        answer |= {"changed": True, "uploads": [asdict(each) for each in taken]}
        audited(ports, wanted.project, "restore-undo", f"{last.buckets[0].what}, uploads", wanted.by)
    if last.database is not None:
        yield {"project": wanted.project, "phase": "swap"}
        found = _swapped(ports, settings, wanted, database, last.database)
        answer |= {**found, "changed": bool(taken) or bool(found["changed"])}
    return {**answer, "end": True}


def _swapped(ports: Ports, settings: Settings, wanted: Undo, database: str, note: aside.Note) -> Told:
    """The database's part of the answer. Raises Failed, Unwritable."""
    answer: Told = {"database": database, "before": aside.before(database)}
    if note.kind == "undone":
        return {**answer, "changed": False, "kept_until": note.until}
    image = server_image(ports, settings.server)
    found = target(ports, settings, image, wanted.project, database)
    made = aside.noted("undone", note.what, wanted.by, ports.clock.now())
    swapped = swap.undone(ports, settings, image, found, made)
    audited(ports, wanted.project, "restore-undo", made.what, made.by)
    facts = {"swap_ms": swapped.milliseconds, "held": swapped.held, "kept_until": made.until}
    return {**answer, "changed": True, **facts}


def _database(settings: Settings, wanted: Undo) -> str:
    """ "" for a project that has buckets alone. Raises Failed."""
    known = settings.project(wanted.project)
    if known is not None and known.database is None and known.buckets:
        return ""
    return wanted.database or database_of(settings, wanted.project)


def _noted(ports: Ports, settings: Settings, wanted: Undo, database: str) -> aside.Note | None:
    """What the database that was put aside says; nothing where there is none, as of a project that has buckets alone.

    Raises Failed.
    """
    aside.tidied(ports, settings)
    image, name = server_image(ports, settings.server), aside.before(database)
    with said("find"):
        found = aside.look(ports, settings.server, image, (name,)).get(name)
    return found.note if found else None


def _notes(ports: Ports, settings: Settings, wanted: Undo) -> list[Note]:
    """Of buckets. Raises Failed."""
    if wanted.only == DATABASE_ONLY:
        return []
    try:
        return undo.notes(ports, _here(settings), wanted.project)
    except StoreError as error:
        remedy = "see that the store runs, or say `--only database`"
        raise Failed("find", str(error), remedy) from None


def _here(settings: Settings) -> Place:
    """Raises Failed."""
    found = settings.store(HERE)
    if found is None:
        raise Failed("settings", "the store on this host is not in its settings", "run `pulumi up`")
    return found.place
