"""What the agent remembers of a project (`/var/lib/codeb/projects/<id>.json`, 0600) and the audit log.

Which colour serves is not remembered: the upstream file says it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ANY, Reader
from agent.host import paths
from agent.host.paths import COLOURS, Colour
from agent.host.ports import Ports
from agent.project.spec import Spec
from agent.project.spec_reader import read_spec

HISTORY: Final = 10


@dataclass(frozen=True)
class Image:
    """An image as it was resolved: what units name it, its digest, its id in the host's store."""

    reference: str
    digest: str
    id: str


@dataclass(frozen=True)
class ColourRecord:
    """What one colour's files hold, and by which release (`release_id`, `by`, `why` in words) it came to serve.

    `withdrawn` when a rollback took it out of service.
    """

    spec: Spec
    fingerprint: str
    image: Image
    cache_hash: str = ""
    released_at: str = ""
    withdrawn: bool = False
    release_id: str = ""
    by: str = ""
    why: str = "released"

    def release(self) -> dict[str, object]:
        """Which release this is and why it serves, as answers and the registry say it."""
        return {
            "id": self.release_id,
            "image": self.spec.image,
            "digest": self.image.digest,
            "at": self.released_at,
            "by": self.by,
            "why": self.why,
        }


@dataclass(frozen=True)
class Past:
    """One release or rollback that ended; `id` counts up.

    `outcome` is `released`, `rolled-back`, `restarted`, `failed` or `interrupted`; `why` is what a person said of it.
    """

    id: str
    at: str
    outcome: str
    colour: Colour
    image: str
    digest: str
    by: str
    duration_s: float
    cause: str = ""
    why: str = ""


@dataclass(frozen=True)
class Record:
    """Everything remembered of a project; `history` newest first, `cron` stems of cron units here.

    `count` is the number of all releases and rollbacks so far, those that failed included.
    """

    project: str
    created_at: str
    colours: Mapping[Colour, ColourRecord] = field(default_factory=dict)
    history: tuple[Past, ...] = ()
    cron: tuple[str, ...] = ()
    count: int = 0

    @property
    def next_id(self) -> str:
        """The id of the release or rollback under way: `r12`."""
        return f"r{self.count + 1}"

    def colour_at(self, address: str) -> Colour | None:
        """Which colour listens at this address."""
        for colour in COLOURS:
            known = self.colours.get(colour)
            if known and known.spec.address(colour) == address:
                return colour
        return None

    def caches(self) -> list[str]:
        """Where the caches are that the releases use which can serve: `address:port`, with TLS `rediss://address:port`."""
        places = [known.spec.cache for known in self.colours.values()]
        return sorted({place.place for place in places if place})

    def with_colour(self, colour: Colour, value: ColourRecord) -> Record:
        """The record with one colour replaced."""
        return replace(self, colours={**self.colours, colour: value})

    def with_past(self, past: Past) -> Record:
        """The record with one more entry of history, the oldest dropped."""
        return replace(self, history=(past, *self.history)[:HISTORY], count=self.count + 1)

    def to_bytes(self) -> bytes:
        """The file's content."""
        document = {
            "version": 1,
            "project": self.project,
            "created_at": self.created_at,
            "colours": {
                colour: {
                    "spec": known.spec.to_json(),
                    "fingerprint": known.fingerprint,
                    "image": asdict(known.image),
                    "cache_hash": known.cache_hash,
                    "released_at": known.released_at,
                    "withdrawn": known.withdrawn,
                    "release_id": known.release_id,
                    "by": known.by,
                    "why": known.why,
                }
                for colour, known in self.colours.items()
            },
            "history": [asdict(past) for past in self.history],
            "cron": list(self.cron),
            "count": self.count,
        }
        return json.dumps(document, indent=1, sort_keys=True).encode()


def load(ports: Ports, project: str) -> Record | None:
    """The record of a project, None when it has none. Raises Failed when it can't be read."""
    path = paths.record(project)
    content = ports.files.read(path)
    if content is None:
        return None
    try:
        return _record(json.loads(content))
    except (ValueError, KeyError, TypeError, BadDocument) as error:
        raise Failed(
            "observe",
            f"{path} can't be read: {error}",
            f"move {path} away and release again; the app goes on serving meanwhile",
        ) from error


def save(ports: Ports, record: Record) -> None:
    """Write a record in one step."""
    ports.files.write(paths.record(record.project), record.to_bytes(), 0o600)


def audit(ports: Ports, project: str, past: Past) -> None:
    """Add a line to the host's audit log."""
    line = json.dumps({"project": project, **asdict(past)}, sort_keys=True)
    ports.files.append(paths.AUDIT, line, 0o600)


def known_projects(ports: Ports) -> list[str]:
    """Every project with a record on this host."""
    names = ports.files.listing(paths.RECORDS)
    return [name.removesuffix(".json") for name in names if name.endswith(".json")]


def serving(ports: Ports, project: str, record: Record | None, spec: Spec | None = None) -> Colour | None:
    """The colour that the upstream file names, None when there is no such file.

    `spec` stands in for a record that was lost.

    Raises Failed when the file names an address that is neither colour's.
    """
    path = paths.upstream(project)
    content = ports.files.read(path)
    if content is None:
        return None
    address = content.decode("utf-8", "replace").strip()
    colour = record.colour_at(address) if record else None
    if colour is None and spec is not None:
        colour = next((c for c in COLOURS if spec.address(c) == address), None)
    if colour is None:
        raise Failed(
            "observe",
            f"{path} says {address!r}, which is neither colour's address",
            f"find out who wrote it; write the address of the colour that serves into it, or delete {path} "
            "when none does, and run again",
        )
    return colour


def serving_spec(ports: Ports, project: str) -> Spec | None:
    """What serves of a project here, None when nothing does. Raises Failed when that can't be read."""
    known = load(ports, project)
    colour = serving(ports, project, known)
    return known.colours[colour].spec if known and colour in known.colours and colour else None


def _record(document: Mapping[str, object]) -> Record:
    reader = Reader(document, "")
    reader.version()
    colours = reader.child("colours")
    record = Record(
        project=reader.text("project"),
        created_at=reader.text("created_at"),
        colours={c: _colour(known) for c in COLOURS if (known := colours.maybe(c)) is not None},
        history=tuple(_past(item) for item in reader.children("history")),
        cron=reader.texts("cron", ANY),
    )
    record = replace(record, count=reader.whole("count", 0, 2**53, default=len(record.history)))
    reader.end()
    return record


def _colour(reader: Reader) -> ColourRecord:
    image = reader.child("image")
    return ColourRecord(
        spec=read_spec(reader.child("spec")),
        fingerprint=reader.text("fingerprint"),
        image=Image(image.text("reference"), image.text("digest"), image.text("id")),
        cache_hash=reader.text("cache_hash"),
        released_at=reader.text("released_at"),
        withdrawn=reader.flag("withdrawn"),
        release_id=reader.text("release_id", default=""),
        by=reader.text("by", default=""),
        why=reader.text("why", default="released"),
    )


def _past(reader: Reader) -> Past:
    return Past(
        id=reader.text("id", default=""),
        at=reader.text("at"),
        outcome=reader.text("outcome"),
        colour="blue" if reader.choice("colour", *COLOURS) == "blue" else "green",
        image=reader.text("image"),
        digest=reader.text("digest"),
        by=reader.text("by"),
        duration_s=reader.number("duration_s"),
        cause=reader.text("cause", default=""),
        why=reader.text("why", default=""),
    )
