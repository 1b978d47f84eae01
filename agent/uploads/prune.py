"""Runs that are older than a project keeps go, and contents that no run names any more: from the store here alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings
from agent.uploads import runs
from agent.uploads.runs import Run

_BEGUN_STAYS: Final = timedelta(days=2)


def pruned(ports: Ports, settings: Settings, what: tuple[str, str], days: int) -> tuple[list[str], int, str]:
    """Of a project's bucket: ids of runs that went, how many contents, what went wrong. Under the lock of backups."""
    store = settings.store(HERE)
    if store is None:
        return [], 0, ""
    gone: list[str] = []
    contents = 0
    try:
        found = runs.listed(ports, store.place, *what)
        old = may_go(found.runs, days)
        if not old and not _left(found):
            return [], 0, ""
        if unread := [each for each in found.wrong if _is_needed(found, each, days)]:
            return (
                [],
                0,
                f"nothing went, as what {unread[0]} needs can't be known: it {found.wrong[unread[0]]}",
            )
        needed = {
            entry.name
            for run in found.runs
            if run not in old
            for entry in runs.entries(ports, store.place, run)
        }
        for run_id in [*(run.id for run in old), *_left(found)]:
            _forget(ports, store.place, runs.document_key(*what, run_id))
            _forget(ports, store.place, runs.list_key(*what, run_id))
            gone.append(run_id)
        for each in list(ports.s3.objects(store.place, f"{runs.folder(*what)}objects/")):
            if each.key.rpartition("/")[2] not in needed:
                _forget(ports, store.place, each.key)
                contents += 1
    except (StoreError, Damaged, PipeBroken) as error:
        return gone, contents, f"not all that may go went: {error}"
    return gone, contents, ""


def may_go(found: Sequence[Run], days: int) -> list[Run]:
    """Those made more than `days` before the newest one. The time runs from that: when none is made any more, none goes."""
    if not found:
        return []
    newest = max(found, key=lambda run: (run.moment, run.id))
    begin = newest.moment - timedelta(days=days)
    return [run for run in found if run.moment < begin and run is not newest]


def _is_needed(found: runs.Runs, run_id: str, days: int) -> bool:
    """Whether a run that can't be read is as young as those that stay; it may be good in another store."""
    return not found.runs or runs.moment(run_id) >= found.runs[0].moment - timedelta(days=days)


def _left(found: runs.Runs) -> list[str]:
    """Lists without a document, of runs that were killed, once a younger run is good."""
    if not found.runs:
        return []
    return [each for each in found.begun if runs.moment(each) < found.runs[0].moment - _BEGUN_STAYS]


def _forget(ports: Ports, place: Place, key: str) -> None:
    """With all its versions."""
    for version in list(ports.s3.versions(place, key)):
        if version.key == key:
            ports.s3.delete(place, key, version.version)
