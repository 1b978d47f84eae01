"""Both sides of a project's buckets: in the stack's own store, and at Vultr's Object Storage."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import PROJECT, Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.moving import record
from agent.store.settings import BUCKET, ENDPOINT, HERE, REGION, load_settings

_DOC = "docs/managed-objects.md"
_NOTHING = "codeb/nothing-is-called-so"
_REMEDY = "`pulumi up` brings this server up to date; then run again"


@dataclass(frozen=True)
class Pair:
    """A bucket on both sides."""

    here: Place
    managed: Place

    def of(self, side: record.Side) -> Place:
        return self.here if side == "here" else self.managed


@dataclass(frozen=True)
class Buckets:
    """A project's. `serves` is the side that its app uses, once an update has come to its end; `user` is a bucket here as
    the app itself sees it, as long as it is let in."""

    project: str
    serves: record.Side
    pairs: tuple[Pair, ...]
    user: Place

    def settled(self, ports: Ports) -> bool:
        """Whether the app is where it is to be: when it goes to Vultr, its user here goes last. Raises StoreError."""
        if self.serves == "here":
            return True
        try:
            ports.s3.head(self.user, _NOTHING)
        except StoreError as error:
            if error.kind != "refused":
                raise
            return True
        return False


def all_buckets(ports: Ports) -> tuple[Buckets, ...]:
    """Of all projects that have some on both sides. Raises Failed."""
    content = ports.files.read(paths.OBJECTS_SETTINGS)
    if content is None:
        return ()
    store = load_settings(ports).store(HERE)
    if store is None:
        raise Failed("look", "the store on this host is not in its settings", _REMEDY)
    try:
        return _read(Reader(json.loads(content), ""), store.place)
    except (ValueError, BadDocument) as error:
        raise Failed("look", f"{paths.OBJECTS_SETTINGS} can't be read: {error}", _REMEDY) from None


def load_buckets(ports: Ports, project: str) -> Buckets:
    """Raises Failed for a project that has none on both sides."""
    for each in all_buckets(ports):
        if each.project == project:
            return each
    raise Failed(
        "look",
        f"{project} has no buckets at Vultr's Object Storage",
        f"write {project} in codeb:managed.objects.prepared and run `pulumi up` ({_DOC})",
    )


def _read(reader: Reader, own: Place) -> tuple[Buckets, ...]:
    reader.version()
    found = tuple(_project(each, own) for each in reader.children("projects"))
    reader.end()
    return found


def _project(reader: Reader, own: Place) -> Buckets:
    there = Place(
        reader.text("endpoint", ENDPOINT),
        reader.text("region", REGION),
        "",
        reader.secret("access_key"),
        reader.secret("secret_key"),
    )
    project, serves = reader.text("id", PROJECT), reader.flag("managed")
    access, secret = reader.secret("user"), reader.secret("user_key")
    pairs = tuple(_pair(each, own, there) for each in reader.children("buckets"))
    reader.end()
    if not pairs:
        raise BadDocument("buckets", "is empty")
    user = replace(pairs[0].here, access_key=access, secret_key=secret)
    return Buckets(project, "managed" if serves else "here", pairs, user)


def _pair(reader: Reader, own: Place, there: Place) -> Pair:
    """Objects in apps' buckets are locked on neither side."""
    made = Pair(
        replace(own, bucket=reader.text("here", BUCKET), lock_days=0),
        replace(there, bucket=reader.text("managed", BUCKET)),
    )
    reader.end()
    return made
