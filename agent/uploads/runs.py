"""Runs of a bucket's mirror as a store has them: a sealed list of objects, and a signed document, which is written last.

`uploads/<project>/<bucket>/objects/<2 digits>/<name>` are contents, `…/runs/<id>.list.zst.age` says which object has which,
`…/runs/<id>.json` that the list is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import PROJECT, Reader
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.store.backups import ID, signed, verified
from agent.store.sealed import Damaged, opened
from agent.store.settings import BUCKET
from agent.uploads.entries import Entry, from_lines

_SUM: Final = re.compile(r"[0-9a-f]{64}")
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LONGEST: Final = 1 << 16
_LIST: Final = ".list.zst.age"


@dataclass(frozen=True)
class Run:
    """One run. `objects` and `size` (bytes) are of all that was in the bucket, `added` what came since the run before;
    `list_size` and the sums are of the list."""

    id: str
    project: str
    bucket: str
    at: str
    seconds: float
    objects: int
    size: int
    added: int
    list_size: int
    sha256: str
    plain_sha256: str

    @property
    def moment(self) -> datetime:
        """When the bucket was looked at."""
        return datetime.fromisoformat(self.at.replace("Z", "+00:00"))


@dataclass(frozen=True)
class Runs:
    """What a store has of a bucket: runs, the newest first; what only looks like one, with why; lists without a document."""

    runs: tuple[Run, ...]
    wrong: Mapping[str, str]
    begun: tuple[str, ...]


def folder(project: str, bucket: str) -> str:
    return f"uploads/{project}/{bucket}/"


def object_key(project: str, bucket: str, name: str) -> str:
    return f"{folder(project, bucket)}objects/{name[:2]}/{name}"


def list_key(project: str, bucket: str, run_id: str) -> str:
    return f"{folder(project, bucket)}runs/{run_id}{_LIST}"


def document_key(project: str, bucket: str, run_id: str) -> str:
    return f"{folder(project, bucket)}runs/{run_id}.json"


def document(ports: Ports, run: Run) -> bytes:
    """What `read` reads. Raises Failed without the stack's key."""
    return signed(
        ports,
        {
            "version": 1,
            "id": run.id,
            "project": run.project,
            "bucket": run.bucket,
            "at": run.at,
            "seconds": run.seconds,
            "objects": run.objects,
            "bytes": run.size,
            "added": run.added,
            "list_bytes": run.list_size,
            "sha256": run.sha256,
            "plain_sha256": run.plain_sha256,
        },
    )


def read(ports: Ports, content: bytes) -> Run:
    """Raises Damaged when it is none of this stack's."""
    try:
        reader = Reader(verified(ports, content), "")
        reader.version()
        run = Run(
            id=reader.text("id", ID),
            project=reader.text("project", PROJECT),
            bucket=reader.text("bucket", BUCKET),
            at=reader.text("at", _AT),
            seconds=reader.number("seconds"),
            objects=reader.whole("objects", 0, 1 << 60),
            size=reader.whole("bytes", 0, 1 << 60),
            added=reader.whole("added", 0, 1 << 60),
            list_size=reader.whole("list_bytes", 0, 1 << 60),
            sha256=reader.text("sha256", _SUM),
            plain_sha256=reader.text("plain_sha256", _SUM),
        )
        reader.end()
    except (ValueError, BadDocument) as error:
        raise Damaged(f"is no document of a run: {error}") from None
    return run


def listed(ports: Ports, place: Place, project: str, bucket: str) -> Runs:
    """Raises StoreError."""
    prefix = f"{folder(project, bucket)}runs/"
    sizes = {found.key: found.size for found in ports.s3.objects(place, prefix)}
    names = {key.removeprefix(prefix).partition(".")[0] for key in sizes}
    good, wrong, begun = [], {}, []
    for each in sorted(filter(ID.fullmatch, names), reverse=True):
        key = document_key(project, bucket, each)
        if key not in sizes:
            begun.append(each)
            continue
        try:
            if sizes[key] > _LONGEST:
                raise Damaged(f"is larger than any document of a run ({sizes[key]} bytes)")
            run = read(ports, b"".join(ports.s3.get(place, key)))
            if (run.id, run.project, run.bucket) != (each, project, bucket):
                raise Damaged(f"speaks of {run.id} of {run.bucket} of {run.project}")
            if sizes.get(list_key(project, bucket, each)) != run.list_size:
                raise Damaged("has no list beside it, or another one")
            good.append(run)
        except Damaged as error:
            wrong[each] = str(error)
    return Runs(tuple(good), wrong, tuple(begun))


def entries(
    ports: Ports, place: Place, run: Run, unless: Callable[[], object] = lambda: False
) -> tuple[Entry, ...]:
    """All objects of a run. Raises Damaged, StoreError, PipeBroken when a program isn't there."""
    key = list_key(run.project, run.bucket, run.id)
    pieces = opened(ports, place, key, sha256=run.sha256, plain_sha256=run.plain_sha256, unless=unless)
    found = tuple(from_lines(pieces))
    if len(found) != run.objects:
        raise Damaged(f"{key} has {len(found)} objects, and its document says {run.objects}")
    return found


def moment(run_id: str) -> datetime:
    """When an id was given."""
    return datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
