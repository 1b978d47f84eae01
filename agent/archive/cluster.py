"""What PostgreSQL says of itself and of the archive's slot, asked in one conversation that stays open."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from agent.archive import programs, segments, slot
from agent.archive.bases import SYSTEM
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.pipes import PipeBroken, Session
from agent.host.ports import Ports
from agent.store.settings import Server

RATE_KIB: Final = 48 << 10
"""KiB a second that a base backup reads at most: the disk is the users' first."""
ADMIN: Final = "postgres"
_END: Final = "-- that is all"
_ASK_S: Final = 30
_ITERATIONS: Final = 4096
_PASSWORD: Final = re.compile(r"[0-9A-Za-z]{20,200}")
# A transaction that gets a number leaves the time of its end in WAL, which recovery to a moment takes to know that it is there.
_BEAT: Final = "SELECT pg_current_xact_id() IS NULL;"
_FACTS: Final = (
    "SELECT json_build_object('system', (SELECT system_identifier::text FROM pg_control_system()),"
    " 'timeline', (SELECT timeline_id FROM pg_control_checkpoint()),"
    " 'version', current_setting('server_version_num'), 'segment', pg_size_bytes(current_setting('wal_segment_size')),"
    " 'lsn', pg_current_wal_insert_lsn(), 'slot', (SELECT json_build_object('status', coalesce(wal_status, 'lost'),"
    " 'behind', greatest(0, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0))::bigint)"
    f" FROM pg_replication_slots WHERE slot_name = '{slot.NAME}'));"
)
_CREATE: Final = f"SELECT pg_create_physical_replication_slot('{slot.NAME}', true) IS NULL;"
_DROP: Final = f"SELECT pg_drop_replication_slot(slot_name) IS NULL FROM pg_replication_slots WHERE slot_name = '{slot.NAME}';"
_ROLE: Final = f"SELECT count(*) FROM pg_roles WHERE rolname = '{slot.NAME}';"


@dataclass(frozen=True)
class Facts:
    """PostgreSQL now. `lsn` is where WAL goes on, `slot` the state of the archive's ("" when there is none), `behind` how many
    bytes of WAL it keeps."""

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
        lines = self._session.ask(f"{_BEAT}\n{_FACTS}\n\\echo {_END}\n", _END, _ASK_S)
        return read_facts(lines[-1] if lines else "")

    def create_slot(self) -> None:
        """It keeps WAL from now on."""
        self._session.ask(f"{_CREATE}\n\\echo {_END}\n", _END, _ASK_S)

    def drop_slot(self) -> None:
        """Nobody may be reading from it."""
        self._session.ask(f"{_DROP}\n\\echo {_END}\n", _END, _ASK_S)


@contextmanager
def conversation(ports: Ports, server: Server) -> Generator[Cluster, None, None]:
    """Talk with PostgreSQL as the archive's role. Raises PipeBroken."""
    with ports.pipes.session(programs.questions(server)) as session:
        yield Cluster(session)


def asked_once(ports: Ports, server: Server) -> Facts:
    """How things are. Raises Failed."""
    try:
        with conversation(ports, server) as talk:
            return talk.beat()
    except PipeBroken as error:
        raise Failed("postgres", str(error), "see `systemctl status postgres codeb-ship`, then run again") from error


def read_facts(line: str) -> Facts:
    """What the question's answer says. Raises Failed."""
    try:
        reader = Reader(json.loads(line), "")
        if (size := reader.whole("segment", 1, 1 << 31)) != segments.SIZE:
            raise Failed("postgres", f"WAL has segments of {size} bytes", "the archive takes those of 16 MiB only")
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
        raise Failed("postgres", f"its answer makes no sense: {error}", "see `journalctl -u postgres`") from None


def ensure_role(ports: Ports, server: Server) -> None:
    """Make the archive's role, or give it the password that this host has for it. Raises Failed.

    What PostgreSQL is sent is no password: it checks logins by a verifier (RFC 5802, 7677; as `\\password` of psql makes it).
    """
    password = _password(ports)
    role = slot.NAME
    verb = "ALTER" if _has_role(ports, server) else "CREATE"
    statement = f"{verb} ROLE {role} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{verifier(password)}';"
    _administer(ports, server, statement)


def _has_role(ports: Ports, server: Server) -> bool:
    return _administer(ports, server, _ROLE).strip() == "1"


def _administer(ports: Ports, server: Server, statement: str) -> str:
    result = ports.runner.run(programs.administration(server, ADMIN), stdin=f"{statement}\n", timeout_s=_ASK_S)
    if not result.ok:
        said = result.err.strip().splitlines()
        cause = f"the archive's role can't be made: {said[-1] if said else f'status {result.code}'}"
        raise Failed("postgres", cause, "see `journalctl -u postgres`, then run again")
    return result.out


def _password(ports: Ports) -> str:
    """What the password file has for the role. Raises Failed."""
    content = (ports.files.read(paths.ARCHIVE_LOGIN) or b"").decode("utf-8", "replace")
    password = content.strip().rpartition(":")[2]
    if not _PASSWORD.fullmatch(password):
        raise Failed("settings", f"{paths.ARCHIVE_LOGIN} can't be read", "run `pulumi up`, which writes it anew")
    return password


def verifier(password: str, salt: bytes | None = None) -> str:
    """By what PostgreSQL tells who knows this password, which has letters and digits alone: `SCRAM-SHA-256$4096:…`."""
    salt = hashlib.sha256(b"codeb/archive/salt\n" + password.encode()).digest()[:16] if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"
