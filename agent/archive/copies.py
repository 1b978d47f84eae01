"""From one store to another: what is stored stays as it is, sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agent.archive import bases, stock
from agent.archive.bases import Base
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store.sealed import Damaged, checked
from agent.store.settings import Settings, Store

_YOUNG: Final = timedelta(days=1)


@dataclass
class Handed:
    """A base backup that stores without any were given, and why some didn't take it."""

    base: Base
    refused: dict[str, str]


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


def handed_on(ports: Ports, settings: Settings, system: str) -> Handed | None:
    """Bring the newest base backup that moments follow to the stores that have none: a second place that is new.

    None when no store lacks one, or no young one is to be had: then a new one is taken, for all of them.
    """
    lacking, having = list[Store](), list[Store]()
    refused: dict[str, str] = {}
    for store in settings.stores:
        try:
            (having if bases.any_in(ports, store.place, system) else lacking).append(store)
        except StoreError as error:
            refused[store.name] = str(error)
    there = [found for store in having for found in _recoverable(ports, store, system)] if lacking else []
    if not there:
        return None
    newest, source = max(there, key=lambda found: (found[0].at, found[0].id))
    if ports.clock.now() - newest.at > _YOUNG:
        return None
    handed = Handed(newest, refused)
    for store in lacking:
        if problem := copied_base(ports, source.place, store.place, newest):
            handed.refused[store.name] = problem
    return handed


def _recoverable(ports: Ports, store: Store, system: str) -> list[tuple[Base, Store]]:
    """What a store that can be read has; of one that can't, the journal says so."""
    try:
        return [(base, store) for base in stock.recoverable(stock.stock(ports, store.place, system))]
    except (StoreError, PipeBroken, Damaged) as error:
        ports.journal.log(f"base backup: {store.name} can't be asked: {error}")
        return []
