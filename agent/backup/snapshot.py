"""A database as it is at one moment: what is counted and what is dumped are the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.backup import programs, queries
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host.pipes import PipeBroken, Session
from agent.host.ports import Ports
from agent.store.backups import Details, read_details
from agent.store.settings import Server

_SNAPSHOT: Final = re.compile(r"[0-9A-F]{8}-[0-9A-F]{8}-[0-9]+")
_VERSION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_IMAGE: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64}) (sha256:[0-9a-f]{64})")
_COUNT_S: Final = 6 * 3600


@dataclass(frozen=True)
class Image:
    """What PostgreSQL runs: Podman's id of it, and its digest."""

    id: str
    digest: str


@dataclass(frozen=True)
class Snapshot:
    """`name` is what pg_dump takes, `size` the database's bytes on disk, `version` the server's."""

    name: str
    at: datetime
    size: int
    version: str
    details: Details


def server_image(ports: Ports, server: Server) -> Image:
    """The image that serves now, whatever its tag means by now. Raises Failed."""
    result = ports.runner.run(programs.image_of(server.container))
    found = _IMAGE.fullmatch(result.out.strip())
    if not result.ok or found is None:
        raise Failed(
            "database",
            f"the container {server.container} isn't there",
            f"`systemctl status {server.container}` says why; `pulumi up` starts it",
        )
    return Image(found[1], found[2])


@contextmanager
def snapshot(ports: Ports, server: Server, image: Image, database: str) -> Iterator[Snapshot]:
    """Hold a snapshot of a database of the cluster that serves. Raises Failed."""
    with read(ports, programs.psql(server, image.id, "snapshot", database), database) as found:
        yield found


@contextmanager
def read(ports: Ports, argv: Sequence[str], database: str) -> Iterator[Snapshot]:
    """Hold a snapshot of the database that this psql is logged in to. Raises Failed."""
    with ExitStack() as held:
        try:
            found = _begun(ports, held.enter_context(ports.pipes.session(argv)))
        except PipeBroken as error:
            raise Failed("database", f"{database} can't be read: {error}", _REMEDY) from None
        except (ValueError, KeyError, BadDocument) as error:
            raise Failed("database", f"{database}: an answer can't be read: {error}", _REMEDY) from None
        yield found


_REMEDY: Final = "`journalctl -u postgres` has more; run again"


def _begun(ports: Ports, session: Session) -> Snapshot:
    (name,) = session.ask(queries.begin(), queries.OVER)
    at = ports.clock.now()  # logging in takes a while: files that its rows name are there by now
    if not _SNAPSHOT.fullmatch(name):
        raise ValueError("no snapshot")
    facts = json.loads("".join(session.ask(queries.facts(), queries.OVER)))
    rows = dict(json.loads(line) for line in session.ask(queries.rows(), queries.OVER, _COUNT_S))
    version = _VERSION.match(str(facts.pop("version")))
    size = int(facts["size"])
    details = read_details(Reader({**facts, "rows": rows}, "facts"))
    if version is None:
        raise ValueError("no version")
    return Snapshot(name, at, size, version[0], details)
