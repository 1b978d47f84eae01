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

NEWEST: Final = "newest"
_BACKUP: Final = re.compile(rf"{NEWEST}|{ID.pattern}")
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_TABLE: Final = re.compile(
    r'(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")\.(?:[a-z_][a-z0-9_$]*|"[^\0]{1,200}")', re.DOTALL
)
"""A schema and a name as SQL writes them."""
_LONGEST_SCRUB: Final = 1 << 20
_LONGEST_WAIT_S: Final = 24 * 3600


@dataclass(frozen=True)
class Into:
    """Whose database is to become a copy: a project of this stack, and what its database is called."""

    project: str
    database: str


@dataclass(frozen=True)
class Wanted:
    """What is to be brought back: a `backup` (its id, or `newest`) or how it was `at` a moment; where: in place of the live
    database, `into` another project's, or one `table` beside its own. `scrub` is SQL that runs in a copy before anybody
    sees it. `replace`: what an earlier restore has put aside may go. `as_admin`: the dump may do what the administrator may.
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


@dataclass(frozen=True)
class Undo:
    """Whose restore is to be taken back; `database` of a project that isn't backed up itself."""

    project: str
    database: str
    by: str


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
        scrub=document.content("scrub").decode() if document.given("scrub") else "",
        replace=document.flag("replace", default=False),
        as_admin=document.flag("as_admin", default=False),
        dry_run=document.flag("dry_run", default=False),
        by=document.text("by", WHY, "") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
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
    )
    document.end()
    return wanted


def _moment(document: Reader) -> datetime | None:
    if not document.given("at"):
        return None
    text = document.text("at", _AT)
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise BadDocument("at", f"{text} is no moment") from None


def _into(reader: Reader) -> Into:
    made = Into(reader.text("project", PROJECT), reader.text("database", DATABASE))
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
    if len(wanted.scrub) > _LONGEST_SCRUB:
        raise BadDocument("scrub", f"is longer than {_LONGEST_SCRUB} characters")
