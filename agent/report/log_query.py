"""What of a project's logs somebody wants to see: the document of `logs`, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import PROJECT, Reader

KINDS: Final = ("app", "worker", "job", "audit", "access")
_BY_DEFAULT: Final = KINDS[:-1]
"""A line for each request hides all others."""
_LINES: Final = 100
_MOST_LINES: Final = 10_000
_MOMENT: Final = re.compile(
    r"|[0-9]{1,9}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_TEXT: Final = re.compile(r"[^\0\r\n]{0,200}")


@dataclass(frozen=True)
class Query:
    """`since` and `until` in seconds since 1970, None for no bound; `grep` a text that lines have to hold, in any case.

    `lines`: how many of the newest. `follow`: then those to come, too.
    """

    project: str
    kinds: tuple[str, ...]
    since: float | None
    until: float | None
    lines: int
    grep: str
    follow: bool

    def holds(self, text: str) -> bool:
        """Whether a line has the text that is looked for."""
        return self.grep.casefold() in text.casefold()


def read(document: Reader, now: datetime) -> Query:
    """Raises BadDocument."""
    document.version()
    kinds = document.texts("kinds", re.compile("|".join(KINDS)))
    query = Query(
        project=document.text("project", PROJECT),
        kinds=kinds or _BY_DEFAULT,
        since=_moment(document, "since", now),
        until=_moment(document, "until", now),
        lines=document.whole("lines", 0, _MOST_LINES, default=_LINES),
        grep=document.text("grep", _TEXT, default=""),
        follow=document.flag("follow", default=False),
    )
    document.end()
    if query.follow and query.until is not None:
        raise BadDocument("until", "what is followed has no end")
    return query


def _moment(document: Reader, key: str, now: datetime) -> float | None:
    """A moment, or so many seconds ago by this host's clock."""
    text = document.text(key, _MOMENT, default="")
    if not text:
        return None
    if text.isdigit():
        return now.timestamp() - int(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise BadDocument(key, f"{text!r} is no moment") from None
