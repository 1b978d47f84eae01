"""Base backups as a store has them: their names, their documents, which there are.

`cluster/<system id>/base/<id>/base.tar.zst.age`, and `base.json` beside it, written last and with a sum that takes the
stack's key to make: a backup without it doesn't exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.archive.segments import SIZE, Segment
from agent.documents.errors import BadDocument
from agent.documents.reader import IMAGE, Reader
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.store import backups
from agent.store.sealed import Damaged

SYSTEM: Final = re.compile(r"[1-9][0-9]{15,19}")
"""The number by which PostgreSQL tells clusters apart."""
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_LARGEST: Final = 1 << 62


@dataclass(frozen=True)
class Base:
    """One base backup. `at` is when it ended: no moment before can be recovered from it. `start` and `end` are the positions
    (LSN) whose WAL it takes to be consistent; sizes in bytes, sums SHA-256 of what is stored and of the tar."""

    id: str
    system: str
    at: datetime
    seconds: float
    timeline: int
    start: int
    end: int
    size: int
    sha256: str
    plain_size: int
    plain_sha256: str
    version: int
    image: str

    @property
    def first(self) -> Segment:
        """The segment that recovery begins with."""
        return Segment(self.timeline, self.start // SIZE)


def folder(system: str) -> str:
    """What the names of a cluster's base backups begin with."""
    return f"cluster/{system}/base/"


def tar_key(system: str, base_id: str) -> str:
    """The copy of the cluster."""
    return f"{folder(system)}{base_id}/base.tar.zst.age"


def document_key(system: str, base_id: str) -> str:
    """What says that it is there."""
    return f"{folder(system)}{base_id}/base.json"


def id_of(system: str, key: str) -> str | None:
    """The base backup that an object belongs to; None for one that is nothing of ours."""
    base_id = key.removeprefix(folder(system)).partition("/")[0]
    known = backups.ID.fullmatch(base_id) and key in (tar_key(system, base_id), document_key(system, base_id))
    return base_id if known else None


def document(ports: Ports, base: Base) -> bytes:
    """What `read` reads. Raises Failed without the key."""
    plain = {
        "version": 1,
        "id": base.id,
        "system": base.system,
        "at": base.at.isoformat().replace("+00:00", "Z"),
        "seconds": base.seconds,
        "timeline": base.timeline,
        "start": str(base.start),
        "end": str(base.end),
        "bytes": base.size,
        "sha256": base.sha256,
        "plain_bytes": base.plain_size,
        "plain_sha256": base.plain_sha256,
        "postgres": base.version,
        "image": base.image,
    }
    return backups.signed(ports, plain)


def read(ports: Ports, content: bytes) -> Base:
    """The base backup that a document speaks of. Raises Damaged when it is none of this stack's."""
    try:
        plain: Any = backups.verified(ports, content)
        reader = Reader(plain, "")
        reader.version()
        base = Base(
            id=reader.text("id", backups.ID),
            system=reader.text("system", SYSTEM),
            at=datetime.fromisoformat(reader.text("at", _MOMENT).replace("Z", "+00:00")),
            seconds=reader.number("seconds"),
            timeline=reader.whole("timeline", 1, 0xFFFFFFFF),
            start=int(reader.text("start", re.compile(r"[1-9][0-9]{0,19}"))),
            end=int(reader.text("end", re.compile(r"[1-9][0-9]{0,19}"))),
            size=reader.whole("bytes", 1, _LARGEST),
            sha256=reader.text("sha256", _SUM),
            plain_size=reader.whole("plain_bytes", 1, _LARGEST),
            plain_sha256=reader.text("plain_sha256", _SUM),
            version=reader.whole("postgres", 10, 99),
            image=reader.text("image", IMAGE),
        )
        reader.end()
    except (ValueError, BadDocument) as error:
        raise Damaged(f"is no document of a base backup: {error}") from None
    return base


@dataclass(frozen=True)
class Listing:
    """What a store has of a cluster: base backups, the oldest first; ids of those that look like one and aren't, with why;
    ids of tars without a document (of a run that was killed, or is under way)."""

    bases: tuple[Base, ...]
    wrong: dict[str, str]
    begun: tuple[str, ...]


def listed(ports: Ports, place: Place, system: str) -> Listing:
    """Raises StoreError."""
    sizes = {found.key: found.size for found in ports.s3.objects(place, folder(system))}
    good: list[Base] = []
    wrong: dict[str, str] = {}
    begun: list[str] = []
    for base_id in _ids(system, sizes):
        name, tar = document_key(system, base_id), tar_key(system, base_id)
        if name not in sizes:
            begun.append(base_id)
            continue
        try:
            base = read(ports, b"".join(ports.s3.get(place, name)))
            _fits(base, system, base_id, sizes.get(tar))
            good.append(base)
        except Damaged as error:
            wrong[base_id] = str(error)
    return Listing(tuple(sorted(good, key=lambda base: (base.at, base.id))), wrong, tuple(begun))


def any_in(ports: Ports, place: Place, system: str) -> bool:
    """Whether a store has any, by names alone: a second place lets nobody read. Raises StoreError."""
    names = (found.key for found in ports.s3.objects(place, folder(system)))
    return any(key == document_key(system, key.split("/")[-2]) for key in names)


def _ids(system: str, keys: Iterable[str]) -> list[str]:
    return sorted({found for key in keys if (found := id_of(system, key))})


def _fits(base: Base, system: str, base_id: str, size: int | None) -> None:
    """Raises Damaged when a document is beside a tar that isn't its own."""
    if (base.system, base.id) != (system, base_id):
        raise Damaged(f"speaks of {base.id} of cluster {base.system}")
    if size != base.size:
        raise Damaged(f"says {base.size} bytes, and its tar has {'none' if size is None else size}")


def parse_version(text: str) -> int:
    """The major version in `server_version_num` (`160014`). Raises ValueError."""
    return int(json.loads(text)) // 10_000
