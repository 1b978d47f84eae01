"""What no moment of the retention takes goes: only from the store on this host, the others keep what they were given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from agent.archive import bases, segments, stock, tail
from agent.archive.bases import Base
from agent.archive.stock import Stock, Window
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings

_BEGUN_STAYS: Final = timedelta(days=2)
"""A tar without a document may be under way for a day (the client's longest time)."""


def pruned(ports: Ports, settings: Settings, system: str, days: int) -> int:
    """How many objects went. What can't be read or deleted stays, and is said in the journal."""
    store = settings.store(HERE)
    if store is None:
        return 0
    gone = 0
    try:
        found = stock.stock(ports, store.place, system)
        for key in superfluous(found, days):
            _forget(ports, store.place, key)
            gone += 1
    except (StoreError, Damaged) as error:
        ports.journal.log(f"archive: what is older than {days} days stays: {error}")
    return gone


def _forget(ports: Ports, place: Place, key: str) -> None:
    """With all its versions."""
    for version in list(ports.s3.versions(place, key)):
        if version.key == key:
            ports.s3.delete(place, key, version.version)


def superfluous(found: Stock, days: int) -> list[str]:
    """Objects that may go, in an order that leaves nothing half there.

    Kept is the newest base backup made more than `days` before the newest one, and all that came after. The time runs from
    the newest that leads up to now without a hole: when none does any more, nothing goes.
    """
    oldest = oldest_needed(stock.windows(found), days)
    if oldest is None:
        return []
    names: list[str] = []
    for base in found.bases:
        if (base.at, base.id) < (oldest.at, oldest.id):
            names += [bases.document_key(found.system, base.id), bases.tar_key(found.system, base.id)]
    edge = f"{found.bases[-1].at - _BEGUN_STAYS:%Y%m%dT%H%M%SZ}"
    names += [bases.tar_key(found.system, begun) for begun in found.begun if begun < edge]
    first = oldest.first.number
    names += [segments.key(found.system, each) for each in sorted(found.wal.segments) if each.number < first]
    for whole, pieces in sorted(found.wal.pieces.items()):
        done = whole in found.wal.segments or whole.number < first
        names += [segments.key(found.system, each) for each in (pieces if done else tail.superfluous(pieces))]
    return names


def oldest_needed(windows: Sequence[Window], days: int) -> Base | None:
    """The oldest base backup that is needed, None when none is good."""
    good = [each.base for each in windows if each.leads_to_now]
    if not good:
        return None
    begin = good[-1].at - timedelta(days=days)
    before = [base for base in good if base.at <= begin]
    return before[-1] if before else good[0]
