"""From when on any moment can be recovered: noted for each project that wants it, and seen to when it is of none."""

from __future__ import annotations

from collections.abc import Iterable

from agent.archive import bases, programs, stock
from agent.archive.depot import Depot
from agent.archive.keeper import BASE
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Busy, Ports
from agent.host.s3 import StoreError
from agent.store.record import note, read_backup_record
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings


def look(ports: Ports, settings: Settings, depots: Iterable[Depot]) -> None:
    """Note it, and have a base backup taken when no moment can be recovered. What a store refuses is its depot's problem."""
    here = next((depot for depot in depots if depot.store.name == HERE), None)
    if here is None or not here.ready():
        return
    try:
        since = stock.point_in_time_from(stock.stock(ports, here.store.place, here.system))
    except (StoreError, PipeBroken, Damaged) as error:
        here.failed(str(error))
        return
    if since is None:
        ports.journal.log("archive: no moment can be recovered: a base backup is taken")
        ports.runner.run(programs.start_soon(BASE))
    _noted(ports, settings, f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else "")


def complete(ports: Ports, depots: Iterable[Depot]) -> None:
    """Have a base backup brought to a store that has none: WAL alone recovers nothing there. Once a run is enough."""
    for depot in depots:
        if depot.store.name == HERE or not depot.ready():
            continue
        try:
            lacks = not bases.listed(ports, depot.store.place, depot.system).bases
        except (StoreError, PipeBroken) as error:
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
