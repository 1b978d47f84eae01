"""A moment as a source: the database on a server recovered to it, which is gone afterwards."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from agent.archive import choice, recovery, stock
from agent.archive.recovery import Instance
from agent.archive.stock import Stock
from agent.backup.snapshot import read
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.s3 import StoreError
from agent.restore.dumps import beginning, contents, listings
from agent.restore.work import Source, Work, said
from agent.store.sealed import Damaged
from agent.store.source import unasked

_NOW: Final = timedelta(seconds=20)
"""How old a moment is at the least: the archive leaves one in WAL every 15 s."""


def words(at: datetime | None) -> str:
    """A moment as a source is called."""
    return f"its state at {at.isoformat().replace('+00:00', 'Z')}" if at else "its latest state"


def archived(work: Work, at: datetime) -> Stock:
    """What a store has that leads to the moment: of this cluster, or of one before it. Raises Failed."""
    now = work.ports.clock.now()
    if at > now - _NOW:
        cause = f"{at:%Y-%m-%d %H:%M:%S} UTC is not past yet: it is {now:%Y-%m-%d %H:%M:%S}"
        raise Failed("find", cause, "wait for half a minute, or name an earlier moment")
    with said("find"):
        (current,) = work.asked("SELECT system_identifier FROM pg_control_system();\n")
    problems = []
    for store in work.settings.stores:
        try:
            systems = sorted(stock.systems(work.ports, store.place), key=lambda each: each != current)
            for system in systems:
                found = stock.stock(work.ports, store.place, system)
                try:
                    choice.chosen(found, at)
                    return found
                except Failed as error:
                    problems.append(f"{store.name}: {error}")
        except StoreError as error:
            problems.append(unasked(store, error))
        except (Damaged, PipeBroken) as error:
            problems.append(f"{store.name}: {error}")
    cause = "; ".join(problems) or "there is no archive: no project has `backup.point_in_time`"
    raise Failed("find", f"{at:%Y-%m-%d %H:%M:%S} UTC can't be recovered: {cause}", _instead(work, at))


def _instead(work: Work, at: datetime) -> str:
    found, _ = listings(work.ports, work.settings, work.wanted.project)
    earlier = [each.id for _, listing in found for each in listing.backups if each.moment <= at]
    if not earlier:
        return "`codeb restore list` says what there is"
    return f"`--backup {max(earlier)}` brings the newest backup of before back"


@contextmanager
def instance(work: Work, found: Stock, at: datetime) -> Iterator[Instance]:
    """A server as it was at the moment. Raises Failed."""
    with said("recover"), recovery.recovered(work.ports, work.settings, found, at) as running:
        yield running


def source(work: Work, running: Instance, database: str) -> Source:
    """The database on the recovered server. Raises Failed when there was none of this name."""
    with read(work.ports, running.psql(database), database) as found:
        details = found.details
    argv = running.program("pg_dump", "--format=custom", "--compress=0", f"--dbname={database}")
    pieces = work.ports.pipes.flow([argv], unless=work.ports.asker.gone)
    with said("recover"):
        head, listed = beginning(pieces, lambda data: contents(work, data))
    return Source(words(work.wanted.at), details, listed, 0, head, _whole(head, pieces))


def _whole(head: bytes, rest: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    try:
        yield head
        yield from rest
    finally:
        rest.close()
