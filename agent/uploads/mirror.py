"""One run of a bucket's mirror: what came since the last run is sealed and stored, and a list says what is there now."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.store import backups
from agent.store.sealed import Damaged, Sealed, put_sealed
from agent.store.settings import HERE, Settings, Store
from agent.uploads import runs
from agent.uploads.copies import copied
from agent.uploads.entries import Entry, Namer, namer
from agent.uploads.runs import Run
from agent.uploads.summed import read_back

Told = dict[str, object]
_TELL_S: Final = 30


@dataclass(frozen=True)
class Mirrored:
    """A run, the stores that have it, what went wrong with others, and how many objects went for good while it ran."""

    run: Run
    stores: tuple[str, ...]
    missed: Mapping[str, str]
    vanished: int


@dataclass
class _Work:
    """What all steps of one run have in common; `present` are the names whose content the store has, `known` what the newest
    run says of them."""

    ports: Ports
    settings: Settings
    project: str
    bucket: str
    store: Store
    present: set[str]
    known: Mapping[str, Entry]
    namer: Namer
    added: int = 0
    added_size: int = 0
    vanished: int = 0
    told_at: float = 0.0
    entries: list[Entry] = field(default_factory=list)

    @property
    def source(self) -> Place:
        """The bucket itself, which the account of backups may read."""
        return replace(self.store.place, bucket=self.bucket)

    def told(self, phase: str, **more: object) -> Told:
        self.told_at = self.ports.clock.monotonic()
        return {"project": self.project, "bucket": self.bucket, "phase": phase, **more}


def mirrored(ports: Ports, settings: Settings, project: str, bucket: str) -> Generator[Told, None, Mirrored]:
    """Mirror a bucket; tells how it goes. Raises Failed."""
    store = settings.store(HERE)
    if store is None:
        raise Failed("uploads", "the store on this host is not in its settings", "run `pulumi up`")
    try:
        return (yield from _mirrored(ports, settings, store, (project, bucket)))
    except StoreError as error:
        raise Failed("uploads", str(error), "see that the store runs, then run again") from None
    except PipeBroken as error:
        interrupted = error.first.code == 130
        raise Failed("uploads", str(error), "run again", interrupted=interrupted) from None


def _mirrored(
    ports: Ports, settings: Settings, store: Store, what: tuple[str, str]
) -> Generator[Told, None, Mirrored]:
    project, bucket = what
    begun, at = ports.clock.monotonic(), ports.clock.now()
    prefix = f"{runs.folder(project, bucket)}objects/"
    present = {found.key.rpartition("/")[2] for found in ports.s3.objects(store.place, prefix)}
    known = _known(ports, store, project, bucket)
    work = _Work(ports, settings, project, bucket, store, present, known, namer(ports))
    yield from _gathered(work)
    run = _stored(work, at, begun)
    stores, missed = [store.name], {}
    for other in settings.stores:
        if other.name != HERE:
            yield work.told("copy", store=other.name)
            if problem := copied(ports, store, other, run, work.entries):
                missed[other.name] = problem
            else:
                stores.append(other.name)
    return Mirrored(run, tuple(stores), missed, work.vanished)


def _gathered(work: _Work) -> Generator[Told, None, None]:
    """Bring all contents that the store lacks."""
    ports = work.ports
    yield work.told("uploads")
    for found in ports.s3.versions(work.source, ""):
        if not found.latest or found.marker:
            continue
        if ports.asker.gone():
            raise Failed("uploads", "nobody waits for it any more", "run again", interrupted=True)
        if entry := _kept(work, found):
            work.entries.append(entry)
        if ports.clock.monotonic() - work.told_at >= _TELL_S:
            yield work.told("uploads", objects=len(work.entries), added=work.added, size=work.added_size)


def _stored(work: _Work, at: datetime, begun: float) -> Run:
    """The list, and after it the document that says there is a run."""
    ports = work.ports
    run_id = backups.new_id(at, secrets.token_hex(2))
    listing = _listed(work, run_id)
    run = Run(
        id=run_id,
        project=work.project,
        bucket=work.bucket,
        at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        seconds=round(ports.clock.monotonic() - begun, 1),
        objects=len(work.entries),
        size=sum(entry.size for entry in work.entries),
        added=work.added,
        list_size=listing.size,
        sha256=listing.sha256,
        plain_sha256=listing.plain_sha256,
    )
    key = runs.document_key(work.project, work.bucket, run_id)
    ports.s3.put(work.store.place, key, runs.document(ports, run))
    return run


def _known(ports: Ports, store: Store, project: str, bucket: str) -> dict[str, Entry]:
    """What the newest run says of each name; nothing when it can't be read: then the contents are read instead."""
    for run in runs.listed(ports, store.place, project, bucket).runs[:1]:
        try:
            return {entry.name: entry for entry in runs.entries(ports, store.place, run, ports.asker.gone)}
        except Damaged as error:
            ports.journal.log(f"uploads: {project}: the list of {run.id} is no more: {error}")
    return {}


def _kept(work: _Work, found: Object) -> Entry | None:
    """The object's entry, once its content is kept; None when it went for good before it could be read."""
    name = work.namer.name(found)
    known = work.known.get(name)
    if name in work.present and known is not None:
        return known
    try:
        head = work.ports.s3.head(work.source, found.key, found.version)
        if head is None:
            work.vanished += 1
            return None
        sha256 = _sum(work, found, name)
    except StoreError as error:
        if error.kind != "missing" or error.code == "NoSuchBucket":
            raise
        work.vanished += 1
        return None
    work.added += 1
    work.added_size += found.size
    at = f"{found.at:%Y-%m-%dT%H:%M:%SZ}"
    return Entry(found.key, name, found.size, at, sha256, head.headers, found.etag)


def _sum(work: _Work, found: Object, name: str) -> str:
    """The SHA-256 of an object's content, which is kept now: it was already, of a run that was killed, or is brought."""
    ports, key = work.ports, runs.object_key(work.project, work.bucket, name)
    if name in work.present and (there := read_back(ports, work.store.place, key, found.size)):
        return there
    pieces = ports.s3.get(work.source, found.key, found.version)
    sealed = put_sealed(
        ports, work.store.place, key, pieces, work.settings.recipient,
        expected=found.size, unless=ports.asker.gone,
    )  # fmt: skip
    if sealed.plain_size != found.size:
        raise StoreError("wrong", f"{work.source.where} gave back {sealed.plain_size} of {found.size} bytes")
    return sealed.plain_sha256


def _listed(work: _Work, run_id: str) -> Sealed:
    lines: Iterable[bytes] = (entry.line() for entry in work.entries)
    key = runs.list_key(work.project, work.bucket, run_id)
    return put_sealed(
        work.ports, work.store.place, key, lines, work.settings.recipient, unless=work.ports.asker.gone
    )
