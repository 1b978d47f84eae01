"""What a restore takes and whether it may begin. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.backup.aside import Database
from agent.documents.errors import Failed
from agent.restore.document import NEWEST
from agent.store.backups import Backup, Details, Listing
from agent.store.settings import Store

SPARE: Final = 1 << 30
"""Bytes that stay free beside the database: WAL that its making writes, and sorting."""
_UNKNOWN: Final = 8
"""How many times its stored size a dump takes on disk, when its backup doesn't say: more than most."""
_LIST: Final = "`codeb restore list` says what there is"


@dataclass(frozen=True)
class Choice:
    """A backup, and the stores that have it, the nearest first."""

    backup: Backup
    stores: tuple[Store, ...]


def chosen(wanted: str, listings: Sequence[tuple[Store, Listing]], problems: Sequence[str]) -> Choice:
    """The backup of this id, or the newest. `problems`: of stores that gave no list, in words. Raises Failed."""
    ids = {each.id for _, listing in listings for each in listing.backups}
    backup_id = max(ids, default="") if wanted == NEWEST else wanted
    found = [(store, each) for store, listing in listings for each in listing.backups if each.id == backup_id]
    if found:
        return Choice(found[0][1], tuple(store for store, each in found if each == found[0][1]))
    wrong = [
        f"{store.name}: it {why}" for store, listing in listings if (why := listing.wrong.get(backup_id))
    ]
    cause = "there is no backup" if wanted == NEWEST else f"there is no backup {wanted}"
    raise Failed("find", "; ".join([cause, *wrong, *problems]), _LIST)


def estimate(backup: Backup, details: Details) -> int:
    """Bytes on disk of the database that a backup makes."""
    return details.size or backup.size * _UNKNOWN


def refuse_newer(made: str, runs: str) -> None:
    """A dump can be read by its own major version of PostgreSQL and later ones. Raises Failed."""
    if _major(made) > _major(runs):
        cause = f"the backup was made by PostgreSQL {made}, and {runs} runs here, which can't read it"
        raise Failed(
            "find", cause, "set `codeb:images.postgres` to that version or a later one, then run again"
        )


def refuse_crowded(size: int, free: int, files: int = 0) -> None:
    """Raises Failed when the disk has no room for a database of this size beside the live one, and for so many bytes of
    uploads, whose versions of before stay."""
    needed = size + size // 5 + files + SPARE
    if free < needed:
        cause = f"it takes about {needed >> 20} MiB beside what is there, and {free >> 20} MiB are free"
        remedy = "make room on the data server (`df -h /srv/codeb`); a copy of an earlier restore goes with `--replace`"
        raise Failed("room", cause, remedy)


def refuse_kept(before: Database | None, project: str, *, replace: bool) -> None:
    """What an earlier restore has put aside goes only when somebody says so. Raises Failed."""
    if before is None or replace:
        return
    note = before.note
    cause, remedy = f"{before.name} is still there: nobody knows why", "`--replace` drops it"
    if note and note.kind == "undone":
        cause = f"{before.name} is still there: {note.by} took {note.what} back at {note.at}, and it goes at {note.until}"
    elif note:
        told = f"{note.what} by {note.by} at {note.at} has put it aside"
        cause = f"{before.name} is still there: {told}, and it goes at {note.until}"
        remedy = (
            f"`codeb restore undo {project}` takes that restore back; `--replace` drops what it has put aside"
        )
    raise Failed("find", cause, remedy)


def compared(wanted: Details, found: Details, owner: str, *, settings: bool) -> list[str]:
    """What is to be known of a database that should be as `wanted`: versions that are others now. Raises Failed for what is
    missing or too much. `settings`: whether they should be the same, too."""
    wrong = [
        f"{table} has {found.rows.get(table, 'no')} rows, and had {rows}"
        for table, rows in sorted(wanted.rows.items())
        if found.rows.get(table) != rows
    ]
    wrong += [f"{table} was not in it" for table in sorted(set(found.rows) - set(wanted.rows))]
    wrong += [
        f"extension {name} is missing" for name in sorted(set(wanted.extensions) - set(found.extensions))
    ]
    if found.owner != owner:
        wrong.append(f"its owner is {found.owner}, and should be {owner}")
    if settings and sorted(found.settings) != sorted(wanted.settings):
        names = sorted({each.partition("=")[0] for each in {*found.settings} ^ {*wanted.settings}})
        wrong.append(f"settings differ: {', '.join(names)}")
    if wrong:
        more = f", and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise Failed(
            "check",
            "; ".join(wrong[:5]) + more,
            "try an earlier backup; `journalctl -u postgres` may say more",
        )
    return [
        f"extension {name} is {found.extensions[name]} now, and was {version}"
        for name, version in sorted(wanted.extensions.items())
        if found.extensions[name] != version
    ]


def _major(version: str) -> int:
    found = re.match(r"[0-9]+", version)
    return int(found[0]) if found else 0
