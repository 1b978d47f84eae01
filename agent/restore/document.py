"""The documents of the verbs `restore` and `restore-undo`, read into values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import PROJECT, WHY, Reader
from agent.store.backups import ID
from agent.store.settings import DATABASE
from agent.store.source import Source, read_source

NEWEST: Final = "newest"
_BACKUP: Final = re.compile(rf"{NEWEST}|{ID.pattern}")
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_TABLE: Final = re.compile(
    r'(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")\.(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")', re.DOTALL
)
"""A schema and a name as SQL writes them."""
_OBJECTS: Final = re.compile(r"[^\0]{1,1200}", re.DOTALL)
"""What keys begin with, maybe after the bucket's name."""
_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61})-")
DATABASE_ONLY: Final = "database"
UPLOADS_ONLY: Final = "uploads"
_LONGEST_SCRUB: Final = 1 << 20
_LONGEST_WAIT_S: Final = 24 * 3600


@dataclass(frozen=True)
class Into:
    """What is to become a copy: a project of this stack, what its database is called, what its buckets' names begin with
    ("" when none of its buckets is to)."""

    project: str
    database: str
    buckets: str = ""


@dataclass(frozen=True)
class Wanted:
    """What is to be brought back: a `backup` (its id, or `newest`) or how it was `at` a moment; where: in place of the live
    database, `into` another project's, or one `table` beside its own. `scrub` is SQL that runs in a copy before anybody
    sees it. `replace`: what an earlier restore has put aside may go. `as_admin`: the dump may do what the administrator may.

    `only` the database or the uploads, "" for both; of uploads only `objects` whose keys begin so. `exact`: those that were
    not there are marked as deleted (None: when the database comes back, too). `buckets`: what the names of the project's own
    begin with. `source`: which store is read, and by which keys.
    """

    project: str
    backup: str
    at: datetime | None
    into: Into | None
    table: str
    scrub: str = field(repr=False)
    replace: bool
    as_admin: bool
    dry_run: bool
    by: str
    wait_s: int
    only: str = ""
    objects: str = ""
    exact: bool | None = None
    buckets: str = ""
    source: Source = field(default_factory=Source)


@dataclass(frozen=True)
class Undo:
    """Whose restore is to be taken back; `database` of a project that isn't backed up itself; `only` the database or the
    uploads, "" for the last restore of whatever it was."""

    project: str
    database: str
    by: str
    only: str = ""


def read_wanted(document: Reader, by: str) -> Wanted:
    """Raises BadDocument."""
    document.version()
    given = document.maybe("into")
    wanted = Wanted(
        project=document.text("project", PROJECT),
        backup=document.text("backup", _BACKUP) if document.given("backup") else "",
        at=_moment(document),
        into=None if given is None else _into(given),
        table=document.text("table", _TABLE) if document.given("table") else "",
        scrub=_scrub(document),
        replace=document.flag("replace", default=False),
        as_admin=document.flag("as_admin", default=False),
        dry_run=document.flag("dry_run", default=False),
        by=document.text("by", WHY, "") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
        only=_only(document),
        objects=document.text("objects", _OBJECTS) if document.given("objects") else "",
        exact=document.flag("exact") if document.given("exact") else None,
        buckets=document.text("buckets", _PREFIX) if document.given("buckets") else "",
        source=read_source(document),
    )
    document.end()
    _makes_sense(wanted)
    return wanted


def read_undo(document: Reader, by: str) -> Undo:
    """Raises BadDocument."""
    document.version()
    wanted = Undo(
        document.text("project", PROJECT),
        document.text("database", DATABASE) if document.given("database") else "",
        document.text("by", WHY, "") or by,
        _only(document),
    )
    document.end()
    return wanted


def _scrub(document: Reader) -> str:
    """What is empty scrubs nothing, and whoever sends it expects that it does."""
    text = document.content("scrub").decode() if document.given("scrub") else ""
    if document.given("scrub") and not text.strip():
        raise BadDocument("scrub", "is empty")
    return text


def _only(document: Reader) -> str:
    return document.choice("only", DATABASE_ONLY, UPLOADS_ONLY) if document.given("only") else ""


def _moment(document: Reader) -> datetime | None:
    if not document.given("at"):
        return None
    text = document.text("at", _AT)
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise BadDocument("at", f"{text} is no moment") from None


def _into(reader: Reader) -> Into:
    buckets = reader.text("buckets", _PREFIX) if reader.given("buckets") else ""
    made = Into(reader.text("project", PROJECT), reader.text("database", DATABASE), buckets)
    reader.end()
    return made


def _makes_sense(wanted: Wanted) -> None:
    if bool(wanted.backup) == bool(wanted.at):
        raise BadDocument("", "name a backup, or a moment")
    if wanted.into and wanted.into.project == wanted.project:
        raise BadDocument("into", "is the project itself: leave it out")
    if wanted.table and (wanted.into or wanted.replace):
        raise BadDocument(
            "table", "comes into the project's own database, beside the live one, and replaces nothing"
        )
    if wanted.scrub and not wanted.into:
        raise BadDocument("scrub", "is for a copy into another project")
    _fits_together(wanted)
    if len(wanted.scrub) > _LONGEST_SCRUB:
        raise BadDocument("scrub", f"is longer than {_LONGEST_SCRUB} characters")


def _fits_together(wanted: Wanted) -> None:
    """What is for the database alone, and what for uploads."""
    uploads = wanted.only == UPLOADS_ONLY or bool(wanted.objects)
    if uploads and (wanted.table or wanted.scrub or wanted.as_admin):
        raise BadDocument("", "table, scrub and as_admin are for a database, not for uploads")
    if wanted.only == DATABASE_ONLY and wanted.objects:
        raise BadDocument("objects", "are no part of a database")
    if wanted.exact is not None and (wanted.table or wanted.only == DATABASE_ONLY):
        raise BadDocument("exact", "is for uploads")
