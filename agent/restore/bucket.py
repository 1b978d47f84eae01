"""A bucket beside what it is to be like: which objects are missing, which are others, which are too many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.uploads.entries import Entry, Namer


@dataclass(frozen=True)
class Plan:
    """What it takes: entries to write, where nothing is by that name (`missing`) or something else (`differ`), and objects
    that were not there (`extra`). `there` are the objects that are in the way of `differ`, by key; `same` counts the rest.
    """

    missing: tuple[Entry, ...]
    differ: tuple[Entry, ...]
    extra: tuple[Object, ...]
    there: Mapping[str, Object]
    same: int

    @property
    def size(self) -> int:
        """Bytes that are to be written."""
        return sum(entry.size for entry in (*self.missing, *self.differ))


def planned(
    ports: Ports,
    target: Place,
    prefix: str,
    entries: Sequence[Entry],
    namer: Namer,
    step: Callable[[], None] = lambda: None,
) -> Plan:
    """Compare a bucket, below a prefix, with these entries. `step` is called for each; what it raises ends this.

    Raises StoreError.
    """
    live = {
        found.key: found for found in ports.s3.versions(target, prefix) if found.latest and not found.marker
    }
    wanted = {entry.key: entry for entry in entries if entry.key.startswith(prefix)}
    missing, differ = [], []
    for entry in wanted.values():
        step()
        found = live.get(entry.key)
        if found is None:
            missing.append(entry)
        elif not same(ports, target, entry, found, namer):
            differ.append(entry)
    return Plan(
        tuple(missing),
        tuple(differ),
        tuple(found for key, found in live.items() if key not in wanted),
        {entry.key: live[entry.key] for entry in differ},
        len(wanted) - len(missing) - len(differ),
    )


def same(ports: Ports, target: Place, entry: Entry, found: Object, namer: Namer) -> bool:
    """Whether an object is what an entry says. Its content is read only when neither its version nor its ETag tells.

    Raises StoreError.
    """
    if namer.name(found) == entry.name:
        return True
    if found.size != entry.size:
        return False
    try:
        head = ports.s3.head(target, found.key, found.version)
        if head is None or dict(head.headers) != dict(entry.headers):
            return False
        return found.etag == entry.etag or _sum(ports, target, found) == entry.sha256
    except StoreError as error:
        if error.kind != "missing" or error.code == "NoSuchBucket":
            raise
        return False


def _sum(ports: Ports, target: Place, found: Object) -> str:
    digest = hashlib.sha256()
    for piece in ports.s3.get(target, found.key, found.version):
        digest.update(piece)
    return digest.hexdigest()
