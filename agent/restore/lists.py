"""What stores know of how a bucket was at a moment: the lists of the runs before it and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.sealed import Damaged
from agent.store.settings import Store
from agent.store.source import unasked
from agent.uploads import runs
from agent.uploads.entries import Entry
from agent.uploads.runs import Run

_SOON: Final = timedelta(days=1)
"""A first run tells of a moment before it that is no further away: of the database that was dumped first."""


class NothingKnown(Failed):
    """All stores were read, and none has a list of a bucket: it is newer than the moment, or was never saved."""


@dataclass(frozen=True)
class Lists:
    """The newest run that is not after the moment, or else the first after it, with its entries; `later`, entries of the
    first run after it, when both are there. `stores` have contents, the nearest first; `problems` are what can't be read."""

    run: Run
    entries: tuple[Entry, ...] = field(repr=False)
    later: tuple[Entry, ...] = field(repr=False)
    stores: tuple[Store, ...]
    problems: tuple[str, ...]


@dataclass
class _Found:
    """Runs by id, each with the stores that have it."""

    runs: dict[str, list[tuple[Store, Run]]] = field(default_factory=dict)
    stores: list[Store] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def lists(
    ports: Ports, stores: Sequence[Store], project: str, bucket: str, at: datetime | None = None
) -> Lists:
    """Of the newest run when no moment is named. Raises Failed, PipeBroken."""
    found = _found(ports, stores, project, bucket)
    if at is None:
        ids = sorted(found.runs, reverse=True)[:1]
    else:
        early = [each for each, having in found.runs.items() if having[0][1].moment <= at]
        late = [each for each, having in found.runs.items() if at < having[0][1].moment]
        ids = [*sorted(early)[-1:], *sorted(late)[:1]]
        if not early:
            ids = [each for each in ids if found.runs[each][0][1].moment - at <= _SOON]
    if read := _read(ports, found, ids[0]) if ids else None:
        run, entries = read
        later = _read(ports, found, ids[1]) if len(ids) > 1 else None
        return Lists(run, entries, later[1] if later else (), tuple(found.stores), tuple(found.problems))
    when = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
    cause = "; ".join([f"no list says what was in {bucket}{when}", *found.problems])
    kind = Failed if found.problems else NothingKnown
    raise kind(
        "uploads", cause, "`codeb restore list` says what there is; `--only database` leaves uploads out"
    )


def _found(ports: Ports, stores: Sequence[Store], project: str, bucket: str) -> _Found:
    found = _Found()
    for store in stores:
        try:
            listing = runs.listed(ports, store.place, project, bucket)
        except StoreError as error:
            found.problems.append(unasked(store, error))
            continue
        found.problems += [f"{store.name}: {run_id} {why}" for run_id, why in listing.wrong.items()]
        found.stores.append(store)
        for run in listing.runs:
            found.runs.setdefault(run.id, []).append((store, run))
    return found


def _read(ports: Ports, found: _Found, run_id: str) -> tuple[Run, tuple[Entry, ...]] | None:
    """A run with its entries, from the nearest store in which its list is whole."""
    for store, run in found.runs[run_id]:
        try:
            return run, runs.entries(ports, store.place, run, ports.asker.gone)
        except (StoreError, Damaged) as error:
            found.problems.append(f"{store.name}: {error}")
    return None
