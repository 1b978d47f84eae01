"""What `/etc/codeb/secrets/backup.json` says: stores with their keys, the recipient of what is sealed, projects."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import ABSOLUTE, HOST, IMAGE, PROJECT, SLUG, Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Place

HERE: Final = "here"
"""The store on the data server itself. Others are append-only: what is there is never deleted from this host."""
RECIPIENT: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}")
DATABASE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
BUCKET: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
ENDPOINT: Final = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
REGION: Final = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Store:
    """A place for backups: `here` or `second`."""

    name: str
    place: Place


@dataclass(frozen=True)
class Project:
    """A project that is backed up: its database (None without one), its buckets, how long what is saved is kept."""

    id: str
    database: str | None
    buckets: tuple[str, ...]
    retention_days: int
    point_in_time: bool

    @property
    def saved(self) -> bool:
        """Whether there is anything of it to save."""
        return self.database is not None or bool(self.buckets)


@dataclass(frozen=True)
class Server:
    """PostgreSQL as its clients reach it: `image` runs in `container`, published at `host`:`port`."""

    image: str
    container: str
    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """All of it. `recipient` is age's, public; its other half is `backup.key`."""

    stores: tuple[Store, ...]
    recipient: str
    projects: tuple[Project, ...]
    server: Server

    def project(self, project_id: str) -> Project | None:
        return next((each for each in self.projects if each.id == project_id), None)

    def store(self, name: str) -> Store | None:
        return next((each for each in self.stores if each.name == name), None)


def load_settings(ports: Ports) -> Settings:
    """Raises Failed on a host that backs nothing up, and when the file can't be read."""
    content = ports.files.read(paths.BACKUP_SETTINGS)
    if content is None:
        raise Failed(
            "settings",
            "this host backs nothing up: it isn't the stack's data server, or hasn't been updated yet",
            "ask the data server; `pulumi up` brings it up to date",
        )
    try:
        return read_settings(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        # the message of json names a position, the reader's never a secret
        raise Failed(
            "settings",
            f"{paths.BACKUP_SETTINGS} can't be read: {error}",
            "run `pulumi up`, which writes it anew",
        ) from None


def read_settings(reader: Reader) -> Settings:
    """Raises BadDocument."""
    reader.version()
    found = Settings(
        stores=tuple(_store(item) for item in reader.children("stores")),
        recipient=reader.text("recipient", RECIPIENT),
        projects=tuple(_project(item) for item in reader.children("projects")),
        server=Server(
            image=reader.text("image", IMAGE),
            container=reader.text("container", SLUG),
            host=reader.text("host", HOST),
            port=reader.whole("port", 1, 65_535),
        ),
    )
    reader.end()
    if not found.stores:
        raise BadDocument("stores", "is empty")
    return found


def _store(reader: Reader) -> Store:
    made = Store(
        reader.text("name", SLUG),
        Place(
            endpoint=reader.text("endpoint", ENDPOINT),
            region=reader.text("region", REGION),
            bucket=reader.text("bucket", BUCKET),
            access_key=reader.secret("access_key"),
            secret_key=reader.secret("secret_key"),
            ca=reader.text("ca", ABSOLUTE) if reader.given("ca") else None,
            lock_days=reader.whole("lock_days", 0, 3650, 0),
        ),
    )
    reader.end()
    return made


def _project(reader: Reader) -> Project:
    made = Project(
        id=reader.text("id", PROJECT),
        database=reader.text("database", DATABASE) if reader.given("database") else None,
        buckets=reader.texts("buckets", BUCKET),
        retention_days=reader.whole("retention_days", 1, 3650),
        point_in_time=reader.flag("point_in_time"),
    )
    reader.end()
    return made
