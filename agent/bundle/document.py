"""The document of `apply`, a bundle, read into values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from agent.admins.document import Admins, read_admins
from agent.documents.errors import BadDocument
from agent.documents.reader import ABSOLUTE, MODE, OWNER, PACKAGE, UNIT_NAME, Reader
from agent.storage.spec import Storage, read_storage

_LONGEST_WAIT_S = 3600


@dataclass(frozen=True)
class Directory:
    """A folder that has to be there."""

    path: str
    mode: int
    owner: str


@dataclass(frozen=True)
class File:
    """A file that has to be there, and the units that its change restarts or reloads.

    One to `keep` stays as it is when no bundle lists it any more, and when the host is retired.
    """

    path: str
    mode: int
    owner: str
    content: bytes = field(repr=False)
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    keep: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Wait:
    """How to tell that a service is up: `container-health`, `tcp` (with an address) or `none`."""

    kind: str = "none"
    timeout_s: int = 60
    address: str = ""


@dataclass(frozen=True)
class Service:
    """A unit that has to run at the end."""

    name: str
    wait: Wait


@dataclass(frozen=True)
class Bundle:
    """Everything a host has to have, but for projects; `absent` are files that it must not have at the end.

    `admins` are who administers the data services, on a server that has them.
    """

    packages: tuple[str, ...]
    directories: tuple[Directory, ...]
    files: tuple[File, ...]
    services: tuple[Service, ...]
    storage: Storage = field(default_factory=Storage)
    absent: tuple[str, ...] = ()
    admins: Admins | None = None


def read_bundle(reader: Reader) -> Bundle:
    """The document on standard input of `apply`. Raises BadDocument."""
    reader.version()
    admins = reader.maybe("admins")
    bundle = Bundle(
        packages=reader.texts("packages", PACKAGE),
        directories=tuple(_directory(item) for item in reader.children("directories")),
        files=tuple(_file(item) for item in reader.children("files")),
        services=tuple(_service(item) for item in reader.children("services")),
        storage=read_storage(reader),
        absent=reader.texts("absent", ABSOLUTE),
        admins=read_admins(admins) if admins else None,
    )
    reader.end()
    seen: set[str] = set()
    for file in bundle.files:
        if file.path in seen:
            raise BadDocument("files", f"{file.path} is listed twice")
        seen.add(file.path)
    for path in bundle.absent:
        if path in seen:
            raise BadDocument("absent", f"{path} is among the files, too")
    return bundle


def _directory(reader: Reader) -> Directory:
    made = Directory(
        path=reader.text("path", ABSOLUTE),
        mode=int(reader.text("mode", MODE, "0755"), 8),
        owner=reader.text("owner", OWNER, "root:root"),
    )
    reader.end()
    return made


def _file(reader: Reader) -> File:
    made = File(
        path=reader.text("path", ABSOLUTE),
        mode=int(reader.text("mode", MODE, "0644"), 8),
        owner=reader.text("owner", OWNER, "root:root"),
        content=reader.content("content"),
        restarts=reader.texts("restarts", UNIT_NAME),
        reloads=reader.texts("reloads", UNIT_NAME),
        keep=reader.flag("keep", default=False),
    )
    reader.end()
    return made


def _service(reader: Reader) -> Service:
    name, wait = reader.text("name", UNIT_NAME), reader.maybe("wait")
    reader.end()
    if wait is None:
        return Service(name, Wait())
    made = Wait(
        kind=wait.choice("kind", "container-health", "tcp", "none"),
        timeout_s=wait.whole("timeout_s", 1, _LONGEST_WAIT_S, default=60),
        address=wait.text("address", default=""),
    )
    wait.end()
    if made.kind == "tcp" and not made.address:
        raise BadDocument(f"services {name}", "waits for tcp without an address (ip:port)")
    return Service(name, made)
