"""A restore of a bucket taken back: what it wrote or marked as deleted is as before, unless an app has changed it since."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.restore.bucket import Bucket, Wish, gone, headers, summed
from agent.restore.content import version
from agent.store.sealed import Damaged
from agent.uploads import back, undo
from agent.uploads.entries import namer
from agent.uploads.undo import Came, Change, Note

Told = dict[str, object]
TELL_S: Final = 5
_AGAIN: Final = "run again: it goes on where it was"
_STAYS: Final = "what is taken back stays so"


@dataclass
class Taken:
    """Of a bucket: objects that are as they were before, removed as there were none, left alone as an app has changed them
    since, and lost as the bucket has the version of before no more."""

    bucket: str
    back: int = 0
    removed: int = 0
    left: int = 0
    lost: int = 0


@dataclass(frozen=True)
class _Now:
    """The newest version of an object, and the one that a restore has found."""

    newest: Object
    before: Object | None


def taken_back(ports: Ports, here: Place, note: Note) -> Generator[Told, None, Taken]:
    """Take one note's restore back; tells how it goes. Under the lock of backups. Run again it goes on. Raises Failed."""
    bucket = Bucket(ports, replace(here, bucket=note.bucket, lock_days=0), namer(ports))
    taken = Taken(note.bucket)
    try:
        changes = {change.key: change for change in undo.changes(ports, here, note)}
        now = _now(bucket, changes)
        told = ports.clock.monotonic()
        yield _told(note, objects=0, of=len(changes))
        for number, (key, found) in enumerate(now.items()):
            if why := ports.asker.gone():
                raise Failed("undo", f"interrupted: {why}", _AGAIN, put_back=_STAYS, interrupted=True)
            _one(bucket, changes[key], found, taken)
            if ports.clock.monotonic() - told >= TELL_S:
                told = ports.clock.monotonic()
                yield _told(note, objects=number, of=len(changes))
        undo.became(ports, here, note, undo.UNDONE)
        return taken
    except (StoreError, Damaged) as error:
        raise Failed("undo", str(error), _AGAIN, put_back=_STAYS) from None
    except PipeBroken as error:
        raise Failed(
            "undo", str(error), _AGAIN, put_back=_STAYS, interrupted=error.first.code == 130
        ) from None


def _now(bucket: Bucket, changes: Mapping[str, Change]) -> dict[str, _Now]:
    """What there is of all that was changed."""
    found: dict[str, _Now] = {}
    for each in bucket.ports.s3.versions(bucket.place, _common(changes)):
        change = changes.get(each.key)
        if change is None:
            continue
        now = found.get(each.key) or _Now(each, None)
        found[each.key] = replace(now, before=each) if each.version == change.before else now
    return found


def _common(keys: Mapping[str, Change]) -> str:
    """What all of these begin with."""
    first, last = min(keys, default=""), max(keys, default="")
    return first[
        : next((n for n, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1), len(first))
    ]


def _one(bucket: Bucket, change: Change, now: _Now, taken: Taken) -> None:
    newest, before = now.newest, now.before
    if newest.version == change.before or (not change.before and newest.marker):
        return
    if not any(_is(bucket, newest, came) for came in change.came):
        taken.left += not _is_back(bucket, newest, before)
    elif not change.before:
        bucket.ports.s3.delete(bucket.place, change.key)
        taken.removed += 1
    elif before is None:
        taken.lost += 1
    else:
        head = headers(bucket, Wish(change.key, before.size, before.etag, None, before))
        back.put(bucket.ports, change.key, version(bucket, before), bucket.place, head, before.size)
        taken.back += 1


def _is(bucket: Bucket, newest: Object, came: Came) -> bool:
    """Whether an object is what a restore has put there."""
    if newest.marker or came.size < 0:
        return newest.marker and came.size < 0
    if newest.size != came.size:
        return False
    if newest.etag == came.etag:
        return True
    return summed(bucket, newest) in {came.sha256, *_sums(bucket, newest.key, came)}


def _sums(bucket: Bucket, key: str, came: Came) -> Iterator[str]:
    if came.sha256 or not came.version:
        return
    try:
        yield summed(bucket, Object(key, 0, bucket.ports.clock.now(), version=came.version))
    except StoreError as error:
        if not gone(error):
            raise


def _is_back(bucket: Bucket, newest: Object, before: Object | None) -> bool:
    """Whether an earlier try has brought it back already."""
    if before is None or newest.marker or before.marker or newest.size != before.size:
        return False
    return newest.etag == before.etag or summed(bucket, newest) == summed(bucket, before)


def _told(note: Note, **more: object) -> Told:
    return {"project": note.project, "bucket": note.bucket, "phase": "undo", **more}
