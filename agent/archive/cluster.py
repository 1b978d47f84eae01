"""What PostgreSQL says of itself and of the archive's slot, asked in one conversation that stays open."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from agent.admins.scram import verifier
from agent.archive import programs, queries, segments
from agent.archive.bases import SYSTEM
from agent.backup.snapshot import server_image
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.pipes import PipeBroken, Session
from agent.host.ports import Ports
from agent.store.settings import Server

_ASK_S: Final = 30
_PASSWORD: Final = re.compile(r"[0-9A-Za-z]{20,200}")


@dataclass(frozen=True)
class Facts:
    """PostgreSQL now. `lsn` is where WAL goes on, `slot` the state of the archive's ("" when there is none), which keeps
    `behind` bytes of WAL."""

    system: str
    timeline: int
    version: int
    lsn: int
    slot: str
    behind: int


class Cluster:
    """A conversation with PostgreSQL. All raise PipeBroken when it has ended."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def beat(self) -> Facts:
        """Leave a moment in WAL, and say how things are. Raises Failed for an answer that makes no sense."""
        lines = self._session.ask(queries.beat(), queries.OVER, _ASK_S)
        return read_facts("".join(lines))

    def create_slot(self) -> None:
        """It keeps WAL from now on."""
        self._session.ask(queries.create_slot(), queries.OVER, _ASK_S)

    def drop_slot(self) -> None:
        """Nobody may be reading from it."""
        self._session.ask(queries.drop_slot(), queries.OVER, _ASK_S)


@contextmanager
def conversation(ports: Ports, server: Server, asker: str) -> Generator[Cluster, None, None]:
    """Talk with PostgreSQL as the archive's role. Raises Failed when it doesn't run, PipeBroken."""
    image = server_image(ports, server)
    with ports.pipes.session(programs.questions(server, image.id, asker)) as session:
        yield Cluster(session)


def asked_once(ports: Ports, server: Server) -> Facts:
    """How things are. Raises Failed."""
    try:
        with conversation(ports, server, "base") as talk:
            return talk.beat()
    except PipeBroken as error:
        raise Failed(
            "postgres", str(error), "see `systemctl status postgres codeb-ship`, then run again"
        ) from error


def read_facts(line: str) -> Facts:
    """What the question's answer says. Raises Failed."""
    try:
        reader = Reader(json.loads(line), "")
        if (size := reader.whole("segment", 1, 1 << 31)) != segments.SIZE:
            raise Failed(
                "postgres", f"WAL has segments of {size} bytes", "the archive takes those of 16 MiB only"
            )
        found = reader.maybe("slot")
        return Facts(
            system=reader.text("system", SYSTEM),
            timeline=reader.whole("timeline", 1, 0xFFFFFFFF),
            version=int(reader.text("version", re.compile("[0-9]{6}"))) // 10_000,
            lsn=segments.position(reader.text("lsn")),
            slot=found.choice("status", "reserved", "extended", "unreserved", "lost") if found else "",
            behind=found.whole("behind", 0, 1 << 62) if found else 0,
        )
    except (ValueError, BadDocument) as error:
        raise Failed(
            "postgres", f"its answer makes no sense: {error}", "see `journalctl -u postgres`"
        ) from None


def ensure_role(ports: Ports, server: Server) -> None:
    """Make the archive's role, or give it the password that this host has for it. Raises Failed.

    What PostgreSQL is sent is no password: it checks logins by a verifier (RFC 5802, 7677), as `\\password` of psql does.
    """
    image = server_image(ports, server)
    statements = queries.role(verifier(_password(ports)))
    result = ports.runner.run(programs.administration(server, image.id), stdin=statements, timeout_s=_ASK_S)
    if not result.ok:
        said = result.err.strip().splitlines()
        cause = f"the archive's role can't be made: {said[-1] if said else f'status {result.code}'}"
        raise Failed("postgres", cause, "see `journalctl -u postgres`, then run again")


def _password(ports: Ports) -> str:
    """What the password file has for the role. Raises Failed."""
    content = (ports.files.read(paths.ARCHIVE_LOGIN) or b"").decode("utf-8", "replace")
    password = content.strip().rpartition(":")[2]
    if not _PASSWORD.fullmatch(password):
        raise Failed(
            "settings", f"{paths.ARCHIVE_LOGIN} can't be read", "run `pulumi up`, which writes it anew"
        )
    return password
