"""Records what steps do to the stack's state (Pulumi's snapshot manager)."""

from __future__ import annotations

import itertools
import threading
from typing import Protocol

from lab.engine.encoding import Codec
from lab.engine.ledger import Journal, Ledger, Record
from lab.engine.resource import Resource
from lab.engine.values import equal

_COMPARED = tuple(
    name
    for name in Resource.__slots__
    if name not in ("key", "inputs", "outputs", "created", "modified", "extra")
)


class Snapshot(Protocol):
    """What steps report their effects to."""

    def begin(self, resource: Resource, operation: str) -> str:
        """An operation is about to start: it is pending until `end`."""

    def end(self, operation: str = "") -> None:
        """The operation failed, or is over without effect on the state."""

    def write(
        self,
        resource: Resource,
        *,
        replaces: Resource | None = None,
        condemned: Resource | None = None,
        operation: str = "",
    ) -> None:
        """The resource exists now, in place of `replaces`; or it changed, when it was written before.

        `condemned` is an old resource that is marked for deletion in the same breath.
        """

    def remove(self, resource: Resource, operation: str = "") -> None:
        """The resource is gone."""


class NoSnapshot:
    """Previews change no state."""

    def begin(self, resource: Resource, operation: str) -> str:
        return ""

    def end(self, operation: str = "") -> None:
        return None

    def write(
        self,
        resource: Resource,
        *,
        replaces: Resource | None = None,
        condemned: Resource | None = None,
        operation: str = "",
    ) -> None:
        return None

    def remove(self, resource: Resource, operation: str = "") -> None:
        return None


class JournaledSnapshot:
    """Keeps the ledger and its journal; safe to call from many threads."""

    def __init__(self, base: list[Resource], ledger: Ledger, journal: Journal, codec: Codec) -> None:
        self._ledger, self._journal, self._codec = ledger, journal, codec
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        for index, resource in enumerate(base):
            resource.key = f"b{index}"

    def begin(self, resource: Resource, operation: str) -> str:
        number = f"o{next(self._numbers)}"
        self._record([["begin", number, operation, self._codec.resource_to_json(resource)]])
        return number

    def end(self, operation: str = "") -> None:
        if operation:
            self._record([["end", operation]])

    def write(
        self,
        resource: Resource,
        *,
        replaces: Resource | None = None,
        condemned: Resource | None = None,
        operation: str = "",
    ) -> None:
        if not resource.key:
            resource.key = f"n{next(self._numbers)}"
        if replaces is not None and not operation and unchanged(replaces, resource):
            self._record([["same", replaces.key, resource.key]], flush=False)
            return
        records: list[Record] = [["put", resource.key, self._codec.resource_to_json(resource)]]
        if condemned is not None:
            records.append(["put", condemned.key, self._codec.resource_to_json(condemned)])
        if replaces is not None:
            records.append(["done", replaces.key])
        if operation:
            records.append(["end", operation])
        self._record(records, durable=bool(operation))

    def remove(self, resource: Resource, operation: str = "") -> None:
        self._record(
            [["done", resource.key], *([["end", operation]] if operation else [])], durable=bool(operation)
        )

    def _record(self, records: list[Record], *, flush: bool = True, durable: bool = False) -> None:
        with self._lock:
            for record in records:
                self._ledger.apply(record)
            self._journal.append(records, flush=flush)
        if durable:
            self._journal.sync()


def unchanged(old: Resource, new: Resource) -> bool:
    """Whether nothing that matters differs, so that the old document can stand for the new one."""
    return (
        all(getattr(old, name) == getattr(new, name) for name in _COMPARED)
        and equal(old.inputs, new.inputs)
        and equal(old.outputs, new.outputs)
    )
