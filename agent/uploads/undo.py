"""What a restore changes in a bucket, noted before it does: which version was there, and what came in its place.

`undo/<project>/<bucket>/<id>.list.zst.age` in the store here, sealed, and `….json`, signed: what was done and how far it
came. The newest of a bucket counts. What was there are versions that the bucket itself keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ANY, PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store.backups import ID, signed, verified
from agent.store.sealed import Damaged, opened, put_sealed
from agent.store.settings import BUCKET, HERE, Settings

BEGUN: Final = "begun"
DONE: Final = "done"
UNDONE: Final = "undone"
_TOP: Final = "undo/"
_LIST: Final = ".list.zst.age"
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 1 << 16


@dataclass(frozen=True)
class Came:
    """What a restore puts in an object's place: bytes, ETag and SHA-256 ("" when not known) of the content, and `version`,
    an older one that has the same; a `size` below 0 is a mark that says it was deleted."""

    size: int
    etag: str = ""
    sha256: str = ""
    version: str = ""


DELETED: Final = Came(-1)


@dataclass(frozen=True)
class Change:
    """An object's key, the version that was `before` ("" for none), and what may have come in its place."""

    key: str
    before: str
    came: tuple[Came, ...]

    def line(self) -> bytes:
        came = [[each.size, each.etag, each.sha256, each.version] for each in self.came]
        return json.dumps([self.key, self.before, came], separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Note:
    """One restore of a bucket: `what` in words, by whom, since when (the same for all buckets of one restore), until when it
    can be taken back. `both`: the database was to follow. `state` is BEGUN, DONE or UNDONE."""

    id: str
    project: str
    bucket: str
    what: str
    by: str
    at: str
    until: str
    both: bool
    state: str = BEGUN
    changes: int = 0
    sha256: str = ""
    plain_sha256: str = ""


def noted(ports: Ports, place: Place, note: Note, changes: Iterable[Change], recipient: str) -> Note:
    """Write a note, and let go of the bucket's earlier ones. Raises StoreError, PipeBroken, Failed without the key."""
    lines = [change.line() for change in changes]
    sealed = put_sealed(ports, place, _key(note, _LIST), lines, recipient, unless=ports.asker.gone)
    made = replace(note, changes=len(lines), sha256=sealed.sha256, plain_sha256=sealed.plain_sha256)
    _write(ports, place, made)
    _forget(ports, place, f"{_TOP}{note.project}/{note.bucket}/", but=note.id)
    return made


def became(ports: Ports, place: Place, note: Note, state: str) -> Note:
    """The same note, in another state. Raises StoreError, Failed without the key."""
    made = replace(note, state=state)
    _write(ports, place, made)
    return made


def notes(ports: Ports, place: Place, project: str) -> list[Note]:
    """The newest of each bucket. Raises StoreError; what is none of this stack's is in the journal alone."""
    found: dict[str, Note] = {}
    for each in list(ports.s3.objects(place, f"{_TOP}{project}/")):
        if not each.key.endswith(".json"):
            continue
        try:
            if each.size > _LONGEST:
                raise Damaged("is larger than any")
            note = _read(ports, b"".join(ports.s3.get(place, each.key)))
            if (note.project, _key(note, ".json")) != (project, each.key):
                raise Damaged("speaks of another one")
        except Damaged as error:
            ports.journal.log(f"restore: {each.key} is no note: {error}")
            continue
        if note.bucket not in found or found[note.bucket].id < note.id:
            found[note.bucket] = note
    return list(found.values())


def changes(ports: Ports, place: Place, note: Note) -> list[Change]:
    """Raises Damaged, StoreError, PipeBroken when a program isn't there."""
    key, rest, found = _key(note, _LIST), b"", []
    for piece in opened(ports, place, key, sha256=note.sha256, plain_sha256=note.plain_sha256):
        *lines, rest = (rest + piece).split(b"\n")
        found += [_change(line) for line in lines]
    return found


def tidied(ports: Ports, place: Place) -> list[str]:
    """Let go of notes that are over; ids of those. Under the lock of backups. Raises StoreError."""
    now, gone = f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}", []
    keys = [each.key for each in ports.s3.objects(place, _TOP) if each.key.endswith(".json")]
    for key in keys:
        try:
            note = _read(ports, b"".join(ports.s3.get(place, key)))
        except Damaged:
            continue
        if note.until < now:
            _forget(ports, place, key.removesuffix(".json"))
            gone.append(note.id)
    return gone


def let_go(ports: Ports, settings: Settings) -> None:
    """The same for who has other things to do: what goes wrong is in the journal, and tried again by the next run."""
    store = settings.store(HERE)
    try:
        for each in tidied(ports, store.place) if store else ():
            ports.journal.log(f"restore: what {each} changed in a bucket can't be taken back any more")
    except (StoreError, Failed) as error:
        ports.journal.log(f"restore: notes of earlier ones can't be looked at: {error}")


def _key(note: Note, end: str) -> str:
    return f"{_TOP}{note.project}/{note.bucket}/{note.id}{end}"


def _write(ports: Ports, place: Place, note: Note) -> None:
    ports.s3.put(place, _key(note, ".json"), signed(ports, {"version": 1, **asdict(note)}))


def _forget(ports: Ports, place: Place, prefix: str, but: str = "") -> None:
    """With all versions. What can't be deleted stays: the newest counts."""
    for each in list(ports.s3.versions(place, prefix)):
        if but and each.key.rpartition("/")[2].startswith(but):
            continue
        try:
            ports.s3.delete(place, each.key, each.version)
        except StoreError as error:
            ports.journal.log(f"restore: an old note can't be deleted: {error}")


def _read(ports: Ports, content: bytes) -> Note:
    try:
        reader = Reader(verified(ports, content), "")
        reader.version()
        note = Note(
            id=reader.text("id", ID),
            project=reader.text("project", PROJECT),
            bucket=reader.text("bucket", BUCKET),
            what=reader.text("what", ANY),
            by=reader.text("by", WHY),
            at=reader.text("at", _AT),
            until=reader.text("until", _AT),
            both=reader.flag("both"),
            state=reader.choice("state", BEGUN, DONE, UNDONE),
            changes=reader.whole("changes", 0, 1 << 60),
            sha256=reader.text("sha256", _SUM),
            plain_sha256=reader.text("plain_sha256", _SUM),
        )
        reader.end()
    except (ValueError, BadDocument) as error:
        raise Damaged(f"is no document of a restore: {error}") from None
    return note


def _change(line: bytes) -> Change:
    try:
        key, before, came = json.loads(line)
        parts = [(int(size), str(etag), str(sha256), str(version)) for size, etag, sha256, version in came]
        return Change(str(key), str(before), tuple(Came(*each) for each in parts))
    except (ValueError, TypeError) as error:
        raise Damaged(f"a line of a note can't be read: {type(error).__name__}") from None
