"""The document of the verb `upgrade`, read into values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import IMAGE, WHY, Reader

_ACTS: Final = ("to", "back", "forget", "settle")
_DATABASE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,63}")
_LONGEST_WAIT_S: Final = 24 * 3600


@dataclass(frozen=True)
class Wanted:
    """`act`: `to` an image, `back` to the files of before, `forget` those, or `settle` what was cut off.

    What may be lost when somebody says so: rows of unlogged tables (`empty_unlogged`), databases that are closed
    (`leave_closed`), the backup before a way back (`without_backup`). `as_admin`: databases whose dump may do what the
    administrator may.
    """

    act: str
    image: str
    dry_run: bool
    as_admin: tuple[str, ...]
    empty_unlogged: bool
    leave_closed: bool
    without_backup: bool
    by: str
    wait_s: int


def read_wanted(document: Reader, by: str) -> Wanted:
    """Raises BadDocument."""
    document.version()
    given = [act for act in _ACTS[1:] if document.flag(act, default=False)]
    image = document.text("to", IMAGE) if document.given("to") else ""
    acts = [*(["to"] if image else []), *given]
    if len(acts) != 1:
        raise BadDocument("", f"name one of {', '.join(_ACTS)}")
    wanted = Wanted(
        act=acts[0],
        image=image,
        dry_run=document.flag("dry_run", default=False),
        as_admin=document.texts("as_admin", _DATABASE),
        empty_unlogged=document.flag("empty_unlogged", default=False),
        leave_closed=document.flag("leave_closed", default=False),
        without_backup=document.flag("without_backup", default=False),
        by=document.text("by", WHY, "") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
    )
    document.end()
    return wanted
