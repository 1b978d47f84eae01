"""Whether an upgrade may begin. Pure: what is there comes in, Failed goes out, with what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agent.documents.errors import Failed
from agent.upgrade.document import Wanted
from agent.upgrade.look import Found

SPARE: Final = 1 << 30
"""Bytes that stay free beside the copy."""
OLDEST: Final = 12
"""The oldest version that reads `standby.signal`."""
_MOST: Final = 5


def refuse_version(has: int, wanted: int, image: str) -> None:
    """Raises Failed unless the image is of a later major version than the files."""
    if wanted > has >= OLDEST:
        return
    cause = f"{image} is PostgreSQL {wanted}, and {has} serves"
    if wanted == has:
        remedy = (
            "within a major version set `codeb:images.postgres` and run `pulumi up`: no upgrade is needed"
        )
    else:
        remedy = "name an image of a later version; to an earlier one only a restore of dumps leads"
    raise Failed("version", cause, remedy)


def refuse_found(found: Found, wanted: Wanted) -> None:
    """Raises Failed for what would be lost on the way, or can't come along."""
    if found.prepared:
        what = f"{found.prepared} prepared transactions are open, which no dump has"
        raise Failed("look", what, "commit them or roll them back (`pg_prepared_xacts` names them)")
    if found.tablespaces:
        what = f"there are tablespaces: {_some(found.tablespaces)}"
        raise Failed("look", what, "move what is in them to the default one, and drop them")
    closed = [each.name for each in found.databases if not each.open]
    if closed and not wanted.leave_closed:
        what = f"{_some(closed)} can't be read: nobody is let in (restores put databases aside so)"
        remedy = (
            "`codeb restore undo PROJECT`, drop them, or `--leave-closed`: they stay in the old files alone"
        )
        raise Failed("look", what, remedy)
    _refuse_unlogged(found, wanted)
    _refuse_foreign(found, wanted)


def _refuse_unlogged(found: Found, wanted: Wanted) -> None:
    unlogged = [f"{each.name}: {_some(each.unlogged)}" for each in found.moving if each.unlogged]
    if unlogged and not wanted.empty_unlogged:
        what = f"unlogged tables have rows, which PostgreSQL drops when it begins to read only: {'; '.join(unlogged)}"
        remedy = "`ALTER TABLE … SET LOGGED` keeps them; `--empty-unlogged` lets them be empty from then on"
        raise Failed("look", what, remedy)


def _refuse_foreign(found: Found, wanted: Wanted) -> None:
    others = {each.name: each.foreign for each in found.moving if each.foreign}
    refused = [f"{name}: {_some(entries)}" for name, entries in others.items() if name not in wanted.as_admin]
    if refused:
        what = f"not all in these databases is their owner's: {'; '.join(refused)}"
        remedy = (
            "what belongs to others is brought by PostgreSQL's administrator, with all that a project has put into checks "
            f"of its tables: `--as-admin {next(iter(others))}` for a database whose developers are trusted with all others"
        )
        raise Failed("look", what, remedy)


def refuse_crowded(size: int, free: int) -> None:
    """Raises Failed when the disk has no room for the databases once more."""
    needed = size + size // 5 + SPARE
    if free < needed:
        cause = f"it takes about {needed >> 20} MiB beside the live files, and {free >> 20} MiB are free"
        raise Failed("room", cause, "make room on the data server (`df -h /srv/codeb`), or enlarge its disk")


def refuse_missing(extensions: Mapping[str, Sequence[str]], libraries: Mapping[str, str], image: str) -> None:
    """`extensions` that the image lacks, by database, and `libraries`, by where they are used. Raises Failed."""
    lacks = [f"{database}: extension {_some(names)}" for database, names in sorted(extensions.items())]
    lacks += [f"{where}: library {library}" for library, where in sorted(libraries.items())]
    if lacks:
        what = f"{image} lacks what is used: {'; '.join(lacks)}"
        remedy = "name an image that has it, or drop it (`DROP EXTENSION`, `ALTER SYSTEM RESET`) where nobody needs it"
        raise Failed("extensions", what, remedy)


def missing(found: Found, available: Sequence[str]) -> dict[str, list[str]]:
    """Extensions that aren't available, by database."""
    lacking = {each.name: sorted({*each.extensions} - {*available}) for each in found.moving}
    return {name: names for name, names in lacking.items() if names}


def extensions(found: Found) -> list[str]:
    """All that any database has."""
    return sorted({name for each in found.moving for name in each.extensions})


def libraries(found: Found) -> dict[str, str]:
    """Libraries that are loaded by settings or by functions of no extension, and where."""
    given = {library: each.name for each in found.moving for library in each.libraries}
    return {**given, **{library: "preload_libraries" for library in found.libraries}}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
