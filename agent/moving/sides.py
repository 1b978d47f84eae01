"""Both sides of a project's database: where each answers, and as whom PostgreSQL's clients log in there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.backup import programs
from agent.backup.snapshot import Image, server_image
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import HOST, PROJECT, Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.moving import record
from agent.restore.queries import LOGIN
from agent.store.settings import DATABASE, Server, load_settings

_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_USER: Final = re.compile(r"[a-z_][a-z0-9_.]{0,62}")
_REMEDY: Final = "`pulumi up` brings this server up to date; then run again"


@dataclass(frozen=True)
class Database:
    """A project's database, the same on both sides: its owner, and who else logs in."""

    project: str
    name: str
    owner: str
    logins: tuple[str, ...]

    @property
    def filled(self) -> str:
        """What it is called while it is filled; no project's id leads to a name with a dot."""
        return f"{self.name}.moving"


@dataclass(frozen=True)
class Side:
    """A PostgreSQL: its administrator and the file with his password, and the database that he logs in to.

    Here he is its superuser, at the service he is not. Programs are those of the image that runs here, for both.
    """

    name: record.Side
    server: Server
    image: Image
    user: str
    login: str
    database: str

    def client(self, name: str, words: Sequence[str], *, mounts: Sequence[str] = ()) -> list[str]:
        """A program that logs in as the administrator."""
        called = f"move-{self.name}-{name}"
        return programs.client(
            self.server, self.image.id, called, words, user=self.user, login=self.login, mounts=mounts
        )

    def as_owner(self, name: str, words: Sequence[str], *, mounts: Sequence[str] = ()) -> list[str]:
        """The same as the role of restores, which is let in as a database's owner and nobody else."""
        called = f"move-{self.name}-{name}"
        return programs.client(
            self.server, self.image.id, called, words, user=LOGIN, login=paths.RESTORE_LOGIN, mounts=mounts
        )

    def psql(self, database: str = "") -> list[str]:
        """psql as the administrator."""
        return self.client("asked", [*programs.PSQL, f"--dbname={database or self.database}"])


@dataclass(frozen=True)
class Sides:
    """What a move is between. `trusted`: the service's certificate is known."""

    here: Side
    managed: Side
    trusted: bool
    databases: tuple[Database, ...]

    def of(self, name: record.Side) -> Side:
        return self.here if name == "here" else self.managed

    def database(self, project: str) -> Database:
        """Raises Failed for a project that has none on both sides."""
        for each in self.databases:
            if each.project == project:
                return each
        raise Failed(
            "look",
            f"{project} has no database at the managed service",
            f"add {project} to codeb:managed.postgres.prepared and run `pulumi up` (docs/managed-data.md)",
        )


def load_sides(ports: Ports) -> Sides:
    """Raises Failed on a server that knows of no service."""
    content = ports.files.read(paths.MANAGED_SETTINGS)
    if content is None:
        cause = "this stack has no managed PostgreSQL, or its data server hasn't been updated since"
        raise Failed("look", cause, "write codeb:managed.postgres and run `pulumi up` (docs/managed-data.md)")
    own = load_settings(ports).server
    image = server_image(ports, own)
    here = Side("here", own, image, programs.ADMIN, paths.BACKUP_LOGIN, programs.ADMIN)
    try:
        return _read(Reader(json.loads(content), ""), here)
    except (ValueError, BadDocument) as error:
        raise Failed("look", f"{paths.MANAGED_SETTINGS} can't be read: {error}", _REMEDY) from None


def _read(reader: Reader, here: Side) -> Sides:
    reader.version()
    host, port = reader.text("host", HOST), int(reader.text("port", _PORT))
    server = replace(here.server, host=host, port=port)
    user, database = reader.text("user", _USER), reader.text("database", DATABASE)
    found = Sides(
        here,
        replace(here, name="managed", server=server, user=user, login=paths.MANAGED_LOGIN, database=database),
        reader.flag("trusted"),
        tuple(_database(each) for each in reader.children("projects")),
    )
    reader.end()
    return found


def _database(reader: Reader) -> Database:
    made = Database(
        reader.text("id", PROJECT),
        reader.text("database", DATABASE),
        reader.text("owner", _USER),
        reader.texts("logins", _USER),
    )
    reader.end()
    return made
