"""The document of the verb `rebuild`, read into a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import PROJECT, WHY, Reader

_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_LONGEST_WAIT_S: Final = 24 * 3600


@dataclass(frozen=True)
class Wanted:
    """What is to come back: all projects, or these; as late as can be, or as it was `at` a moment.

    The keys are those by which the second place is read. `dumps`: from dumps alone, whatever the archive has. `again`: also
    what is back already. `replace`: also where something is. `as_admin`: dumps may do what the administrator may.
    """

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    projects: tuple[str, ...] = ()
    at: datetime | None = None
    dumps: bool = False
    again: bool = False
    replace: bool = False
    as_admin: bool = False
    dry_run: bool = False
    by: str = ""
    wait_s: int = 0


def read_wanted(document: Reader, by: str) -> Wanted:
    """Raises BadDocument, which shows no key."""
    document.version()
    wanted = Wanted(
        access_key=document.secret("access_key"),
        secret_key=document.secret("secret_key"),
        projects=document.texts("projects", PROJECT),
        at=_moment(document),
        dumps=document.flag("dumps", default=False),
        again=document.flag("again", default=False),
        replace=document.flag("replace", default=False),
        as_admin=document.flag("as_admin", default=False),
        dry_run=document.flag("dry_run", default=False),
        by=document.text("by", WHY, "") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
    )
    document.end()
    for name in ("access_key", "secret_key"):
        if not getattr(wanted, name):
            raise BadDocument(name, "is empty")
    return wanted


def _moment(document: Reader) -> datetime | None:
    if not document.given("at"):
        return None
    text = document.text("at", _AT)
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise BadDocument("at", f"{text} is no moment") from None
