"""A bucket beside what it is to be like: which objects are missing, which are others, which are too many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.restore.lists import Lists
from agent.uploads.entries import Entry, Namer


@dataclass(frozen=True)
class Wish:
    """An object as it was: as a list has it (`entry`), or an older version that the bucket itself still has, or both."""

    key: str
    size: int
    etag: str
    entry: Entry | None = None
    version: Object | None = None

    @property
    def sha256(self) -> str:
        """Of its content, "" when nobody knows."""
        return self.entry.sha256 if self.entry else ""


@dataclass(frozen=True)
class Plan:
    """What it takes: objects to write, where nothing is by that name (`missing`) or something else (`differ`), and what was
    not there (`extra`). `there` has what is there now, by key; `same` counts what stays."""

    missing: tuple[Wish, ...]
    differ: tuple[Wish, ...]
    extra: tuple[Object, ...]
    there: Mapping[str, Object]
    same: int

    @property
    def size(self) -> int:
        """Bytes that are to be written."""
        return sum(wish.size for wish in (*self.missing, *self.differ))


@dataclass(frozen=True)
class Bucket:
    """What is compared: a bucket, and how objects of it are named in lists."""

    ports: Ports
    place: Place
    namer: Namer


def wishes(
    namer: Namer, found: Lists, versions: Iterable[Object], at: datetime | None
) -> tuple[dict[str, Wish], dict[str, Object]]:
    """How the bucket is to be, and what is there now; both by key.

    Of a moment the bucket's own versions say best what an object was, deleted ones included. Where it has none that old
    (it is a new one), a list of later says it, when it names one that was there by then; else the list of before.
    """
    entries = found.entries if at is None or found.run.moment <= at else ()
    later = found.later if found.run.moment <= (at or found.run.moment) else found.entries
    wanted = {entry.key: _of(entry) for entry in entries}
    if at is not None:
        wanted |= {entry.key: _of(entry) for entry in later if entry.moment <= at}
    live: dict[str, Object] = {}
    for key, group in groupby(versions, key=lambda each: each.key):
        kept = list(group)
        if kept[0].latest and not kept[0].marker:
            live[key] = kept[0]
        then = next((each for each in kept if at is not None and each.at <= at), None)
        if then is None:
            continue
        entry = wanted.pop(key, Wish(key, 0, "")).entry
        if not then.marker:
            known = entry if entry and namer.name(then) == entry.name else None
            wanted[key] = Wish(key, then.size, then.etag, known, then)
    return wanted, live


def _of(entry: Entry) -> Wish:
    return Wish(entry.key, entry.size, entry.etag, entry)


def planned(
    bucket: Bucket, wanted: Mapping[str, Wish], live: Mapping[str, Object], step: Callable[[], None]
) -> Plan:
    """Compare. `step` is called for each object; what it raises ends this. Raises StoreError."""
    missing, differ = [], []
    for wish in wanted.values():
        step()
        found = live.get(wish.key)
        if found is None:
            missing.append(wish)
        elif not same(bucket, wish, found):
            differ.append(wish)
    extra = tuple(found for key, found in live.items() if key not in wanted)
    return Plan(tuple(missing), tuple(differ), extra, live, len(wanted) - len(missing) - len(differ))


def same(bucket: Bucket, wish: Wish, found: Object) -> bool:
    """Whether an object is as it was. Contents are read only where neither version nor ETag tells. Raises StoreError."""
    if wish.version and found.version == wish.version.version:
        return True
    if wish.entry and bucket.namer.name(found) == wish.entry.name:
        return True
    if found.size != wish.size:
        return False
    try:
        head = bucket.ports.s3.head(bucket.place, found.key, found.version)
        if head is None or dict(head.headers) != headers(bucket, wish):
            return False
        return found.etag == wish.etag or summed(bucket, found) == (wish.sha256 or _sum_of(bucket, wish))
    except StoreError as error:
        if not gone(error):
            raise
        return False


def headers(bucket: Bucket, wish: Wish) -> dict[str, str]:
    """What HTTP said of an object. Raises StoreError."""
    if wish.entry is not None:
        return dict(wish.entry.headers)
    version = wish.version.version if wish.version else ""
    head = bucket.ports.s3.head(bucket.place, wish.key, version)
    if head is None:
        raise StoreError("missing", f"{bucket.place.where} has that version no more", "NoSuchVersion")
    return dict(head.headers)


def summed(bucket: Bucket, found: Object) -> str:
    """The SHA-256 of a version's content. Raises StoreError."""
    digest = hashlib.sha256()
    for piece in bucket.ports.s3.get(bucket.place, found.key, found.version):
        digest.update(piece)
    return digest.hexdigest()


def _sum_of(bucket: Bucket, wish: Wish) -> str:
    return summed(bucket, wish.version) if wish.version else ""


def gone(error: StoreError) -> bool:
    """Whether it says that an object, or a version of it, went for good meanwhile."""
    return error.kind == "missing" and error.code != "NoSuchBucket"
