"""From one store to another: what is stored stays as it is, sealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from agent.archive import bases, stock
from agent.archive.bases import Base
from agent.archive.stock import Stock
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store.sealed import Damaged, checked
from agent.store.settings import Store

_YOUNG: Final = timedelta(days=1)


@dataclass
class Handed:
    """A base backup that stores without any were given, and why some didn't take it."""

    base: Base
    refused: dict[str, str] = field(default_factory=dict)


def copied(ports: Ports, source: Place, target: Place, keys: Iterable[str]) -> None:
    """Bring these objects, in this order, to a store that hasn't got them. Raises StoreError."""
    for key in keys:
        ports.s3.upload(target, key, ports.s3.get(source, key))


def copied_base(ports: Ports, source: Place, target: Place, made: Base) -> str:
    """Copy a base backup, its document last: without it there is none. What went wrong, in words, or ""."""
    key, document = bases.tar_key(made.system, made.id), bases.document_key(made.system, made.id)
    try:
        ports.s3.upload(target, key, checked(ports.s3.get(source, key), key, made.sha256), made.size)
        copied(ports, source, target, [document])
    except (StoreError, Damaged) as error:
        return str(error)
    return ""


def handed_on(ports: Ports, stores: Sequence[Store], stocks: Mapping[str, Stock]) -> Handed | None:
    """Bring the newest base backup that moments follow to the stores that have none: a second place that is new.

    `stocks` has by store what it has, of those that answer. None when no store lacks one, or no young one is to be had: then
    a new one is taken, for all of them.
    """
    lacking = [store for store in stores if store.name in stocks and not stocks[store.name].bases]
    there = [(each, found) for found in stocks.values() for each in stock.recoverable(found)]
    if not lacking or not there:
        return None
    newest, source = max(there, key=lambda pair: (pair[0].at, pair[0].id))
    if ports.clock.now() - newest.at > _YOUNG:
        return None
    handed = Handed(newest)
    for store in lacking:
        if problem := copied_base(ports, source.place, store.place, newest):
            handed.refused[store.name] = problem
    return handed
