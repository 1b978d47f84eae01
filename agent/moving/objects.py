"""The verb `copy-objects`: what is in a project's buckets on one side comes to the other. Nothing is closed.

Run while the source serves, and once more after the app has gone to the other side: then it brings what was written
meanwhile, and nothing that was overwritten or deleted there. Only the newest version of an object is copied, with what HTTP
says of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from agent.documents.errors import Failed
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.moving import record
from agent.moving.bucket_notes import begun_before, noted
from agent.moving.buckets import Buckets, Pair, load_buckets
from agent.restore.audit import audited
from agent.store.turn import turn
from agent.uploads.back import put

Told = dict[str, object]
_LONGEST_WAIT_S: Final = 24 * 3600
_TELL_S: Final = 10
Where = Literal["source", "target", "torn"]
"""The side that the app uses; `torn`: perhaps both, as an update that takes it there has not come to its end."""
_MARGIN: Final[Mapping[Where, timedelta]] = {
    "source": timedelta(minutes=5),
    "target": timedelta(),
    "torn": timedelta(),
}
"""How much newer than the source an object at the target has to be to stay: where only copies write, clocks may differ."""
_AGAIN: Final = "run again: what was copied is not copied once more"


@dataclass(frozen=True)
class Wanted:
    """`exact`: what the source does not have goes from the other side, which nobody uses yet. `forget`: all of the source
    goes once it is at the side that the app uses. `dry_run`: only say."""

    project: str
    to: record.Side
    exact: bool
    forget: bool
    dry_run: bool
    by: str
    wait_s: int


@dataclass
class Counted:
    """Of one bucket. `newer` were written at the target since, `gone` deleted there since: both stay as they are. `extra`
    the source does not have; `removed` were taken away for that, `forgotten` from the source. `browsers` may
    upload there."""

    objects: int = 0
    copied: int = 0
    size: int = 0
    same: int = 0
    newer: int = 0
    gone: int = 0
    extra: int = 0
    removed: int = 0
    forgotten: int = 0
    browsers: bool = True


@dataclass
class _Work:
    """One bucket's copy. `since` is when the copy before began that came to its end: what is older and not there any more,
    where the app is at the target, went there."""

    ports: Ports
    wanted: Wanted
    source: Place
    target: Place
    where: Where
    since: datetime | None
    counted: Counted = field(default_factory=Counted)
    told_at: float = 0.0

    def told(self) -> Told:
        self.told_at = self.ports.clock.monotonic()
        found = {"objects": self.counted.objects, "copied": self.counted.copied, "size": self.counted.size}
        return {"project": self.wanted.project, "bucket": self.target.bucket, "phase": "copy", **found}


def read_wanted(document: Reader, by: str) -> Wanted:
    """Raises BadDocument."""
    document.version()
    found = Wanted(
        project=document.text("project", PROJECT),
        to=cast(record.Side, document.choice("to", "here", "managed")),
        exact=document.flag("exact", False),
        forget=document.flag("forget", False),
        dry_run=document.flag("dry_run", False),
        by=document.text("by", WHY, default="") or by,
        wait_s=document.whole("wait_s", 0, _LONGEST_WAIT_S, 0),
    )
    document.end()
    return found


def copy_objects(ports: Ports, document: Reader, by: str) -> Generator[Told, None, Told]:
    """Tells how far it is. Raises BadDocument, Failed, Unwritable."""
    wanted = read_wanted(document, by)
    ports.asker.watch()
    with turn(ports, "copy-objects", wanted.by, wanted.wait_s):
        buckets = load_buckets(ports, wanted.project)
        where = _looked(ports, wanted, buckets)
        found = []
        for pair in buckets.pairs:
            counted = yield from _copied(ports, wanted, pair, where)
            found.append({"bucket": pair.of(wanted.to).bucket, **vars(counted)})
        changed = any(each["copied"] or each["removed"] or each["forgotten"] for each in found)
        if changed and not wanted.dry_run:
            copied = sum(int(each["copied"]) for each in found)
            audited(ports, wanted.project, "copy-objects", f"{copied} objects to {wanted.to}", wanted.by)
    facts: Told = {
        "ok": True,
        "end": True,
        "project": wanted.project,
        "to": wanted.to,
        "serves": buckets.serves,
        "settled": where != "torn",
    }
    return {**facts, "dry_run": wanted.dry_run, "buckets": found, "changed": changed and not wanted.dry_run}


def _looked(ports: Ports, wanted: Wanted, buckets: Buckets) -> Where:
    """Where the app is. Raises Failed for what would take away something that it has written."""
    try:
        settled = buckets.settled(ports)
    except StoreError as error:
        raise Failed("look", str(error), _AGAIN) from None
    if not settled and (wanted.exact or wanted.forget):
        cause = "an update that takes the app to Vultr has not come to its end: nobody knows where it writes"
        raise Failed("look", cause, "`pulumi up` until it succeeds; or run without --exact and --forget")
    serves = buckets.serves == wanted.to
    if wanted.exact and serves:
        cause = "the app has its buckets on that side: what is there alone is what it has written"
        raise Failed("look", cause, "run without --exact")
    if wanted.forget and not serves:
        cause = "the app has its buckets on the side that would be emptied"
        remedy = "write it at the other side in codeb:managed.objects and run `pulumi up` first"
        raise Failed("look", cause, remedy)
    return "torn" if not settled else "target" if serves else "source"


def _copied(ports: Ports, wanted: Wanted, pair: Pair, where: Where) -> Generator[Told, None, Counted]:
    """One bucket. Raises Failed; what was copied stays."""
    begun = ports.clock.now()
    source, target = pair.of(record.other(wanted.to)), pair.of(wanted.to)
    since = begun_before(ports, wanted.project, wanted.to, target) if where == "target" else None
    work = _Work(ports, wanted, source, target, where, since)
    try:
        if wanted.to == "managed" and not wanted.dry_run:
            work.counted.browsers = _admits(ports, target)
        yield from _brought(work)
    except StoreError as error:
        raise Failed("copy", str(error), _AGAIN) from None
    if where != "target" and not wanted.dry_run:
        noted(ports, wanted.project, wanted.to, target, begun)
    return work.counted


def _admits(ports: Ports, place: Place) -> bool:
    """Whether pages may upload there, as they may here. Raises StoreError when the store can't be reached."""
    try:
        ports.s3.admit_browsers(place)
    except StoreError as error:
        if error.kind == "unreachable" or error.code == "NoSuchBucket":
            raise
        ports.journal.log(f"copy-objects: {error}")
        return False
    return True


def _brought(work: _Work) -> Generator[Told, None, None]:
    there = {found.key: found for found in work.ports.s3.objects(work.target, "")}
    yield work.told()
    for found in work.ports.s3.objects(work.source, ""):
        _stay(work.ports)
        _one(work, found, there.pop(found.key, None))
        if work.ports.clock.monotonic() - work.told_at >= _TELL_S:
            yield work.told()
    for key in there:
        _stay(work.ports)
        work.counted.extra += 1
        if work.wanted.exact and not work.wanted.dry_run:
            work.ports.s3.delete(work.target, key)
            work.counted.removed += 1
    if work.wanted.forget and not work.wanted.dry_run:
        for found in list(work.ports.s3.objects(work.source, "")):
            _stay(work.ports)
            work.ports.s3.delete(work.source, found.key)
            work.counted.forgotten += 1


def _one(work: _Work, found: Object, there: Object | None) -> None:
    """Raises StoreError."""
    counted = work.counted
    counted.objects += 1
    if there is None and work.since is not None and found.at < work.since:
        counted.gone += 1
    elif there is not None and _same(work, found, there):
        counted.same += 1
    elif there is not None and not work.wanted.exact and there.at >= found.at + _MARGIN[work.where]:
        counted.newer += 1
    elif work.wanted.dry_run or _put(work, found):
        counted.copied += 1
        counted.size += found.size
    else:
        counted.objects -= 1


def _put(work: _Work, found: Object) -> bool:
    """Copy an object and read it back; False when it went meanwhile. Raises StoreError."""
    s3 = work.ports.s3
    try:
        head = s3.head(work.source, found.key)
        if head is None:
            return False
        pieces = s3.get(work.source, found.key)
        sent = put(work.ports, found.key, pieces, work.target, head.headers, head.size)
    except StoreError as error:
        if error.kind != "missing" or error.code == "NoSuchBucket":
            raise
        return False
    if _sum(work, work.target, found.key) != sent.sha256:
        raise StoreError("wrong", f"{work.target.where} gives back another content than was written there")
    return True


def _same(work: _Work, found: Object, there: Object) -> bool:
    """By size and ETag; contents are read where ETags tell nothing, as of what came in parts. Raises StoreError."""
    if found.size != there.size:
        return False
    if "-" not in found.etag and "-" not in there.etag:
        return found.etag == there.etag
    return _sum(work, work.source, found.key) == _sum(work, work.target, found.key)


def _sum(work: _Work, place: Place, key: str) -> str:
    digest = hashlib.sha256()
    for piece in work.ports.s3.get(place, key):
        digest.update(piece)
    return digest.hexdigest()


def _stay(ports: Ports) -> None:
    """Raises Failed once nobody waits any more."""
    if ports.asker.gone():
        raise Failed("copy", "nobody waits for it any more", _AGAIN, interrupted=True)
