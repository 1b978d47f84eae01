"""From when on any moment can be recovered: noted for each project that wants it, and seen to when it is of none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agent.archive import bases, programs, stock
from agent.archive.depot import Depot
from agent.archive.keeper import BASE
from agent.archive.stock import Stock
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Busy, Ports
from agent.host.s3 import StoreError
from agent.store.record import note, read_backup_record
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings

_LOOK_S: Final = 600
"""Also the least time between two base backups that are wanted here."""
_SOON_S: Final = 60


class Windows:
    """Of the stores that WAL is shipped to. What a store refuses is its depot's problem."""

    def __init__(self, ports: Ports, settings: Settings, depots: Sequence[Depot]) -> None:
        self._ports, self._settings, self._depots = ports, settings, depots
        self._completed = False
        self._due, self._next_base = 0.0, 0.0

    def look(self) -> None:
        """Note it, and have a base backup taken where one lacks: every ten minutes, while there is no moment each minute."""
        now = self._ports.clock.monotonic()
        if now < self._due:
            return
        known = self._looked(now)
        if known and not self._completed:
            self._completed = True
            _complete(self._ports, self._depots)
        self._due = now + (_LOOK_S if known else _SOON_S)

    def _looked(self, now: float) -> bool:
        """Whether moments can be recovered."""
        here = next((depot for depot in self._depots if depot.store.name == HERE), None)
        if here is None or not here.ready():
            return False
        try:
            found = stock.stock(self._ports, here.store.place, here.system)
        except (StoreError, PipeBroken, Damaged) as error:
            here.failed(str(error))
            return False
        since = stock.point_in_time_from(found)
        if since is None and now >= self._next_base and not _comes(found):
            self._next_base = now + _LOOK_S
            self._ports.journal.log("archive: no moment can be recovered: a base backup is taken")
            self._ports.runner.run(programs.start_soon(BASE))
        _noted(self._ports, self._settings, f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else "")
        return since is not None


def _comes(found: Stock) -> bool:
    """Whether there is a base backup whose WAL is on its way."""
    return any(each.chain.missing is None for each in stock.windows(found))


def _complete(ports: Ports, depots: Iterable[Depot]) -> None:
    """Have a base backup brought to a store that has none: WAL alone recovers nothing there. Once a run is enough."""
    for depot in depots:
        if depot.store.name == HERE or not depot.ready():
            continue
        try:
            lacks = not bases.any_in(ports, depot.store.place, depot.system)
        except StoreError as error:
            depot.failed(str(error))
            continue
        if lacks:
            ports.journal.log(f"archive: {depot.store.name} has no base backup: it is given one")
            ports.runner.run(programs.start_soon(BASE))


def _noted(ports: Ports, settings: Settings, since: str) -> None:
    """Unless a backup is at work on what is remembered: the next look notes it then."""
    wanted = [project.id for project in settings.projects if project.point_in_time]
    changed = [each for each in wanted if read_backup_record(ports, each).point_in_time_from != since]
    if not changed:
        return
    try:
        with ports.files.lock(paths.BACKUP_LOCK, wait_s=0):
            for project in changed:
                note(ports, project, point_in_time_from=since)
    except Busy:
        return
