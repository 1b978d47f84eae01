"""Roles and databases of the live server, which only reads, come into the new cluster; each is compared with what it was.

What a project has put into a table's checks runs as the owner of its database: the administrator brings schemas and
extensions alone, unless somebody has said otherwise.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Final

from agent.backup.snapshot import Image, read
from agent.documents.errors import Failed
from agent.host.pipes import run
from agent.host.ports import Ports
from agent.restore import queries as restores
from agent.restore.dumps import TELL_S, beginning
from agent.restore.fill import Counted
from agent.restore.plan import compared
from agent.restore.work import said
from agent.store.backups import Details
from agent.store.settings import Server
from agent.upgrade import look, programs
from agent.upgrade.look import OWN, Database
from agent.upgrade.programs import BESIDE

Told = dict[str, object]
_OWNER: Final = "70:70"
_SAME: Final = b"CREATE ROLE postgres;"
"""Each cluster has it from its beginning; what it may is in the line after."""
_ROLES: Final = (b"CREATE ROLE ", b"ALTER ROLE ")
_NOT_THERE: Final = "nothing was changed: the old version serves as before"


def roles(ports: Ports, server: Server, image: str) -> None:
    """Bring roles, their passwords and memberships, which pass through memory alone. Raises Failed."""
    gone = ports.asker.gone
    with said("roles", _NOT_THERE):
        text = b"".join(ports.pipes.flow([programs.roles(server, image)], unless=gone))
        lines = [line for line in text.split(b"\n") if line != _SAME]
        run(ports.pipes, [BESIDE.psql("postgres")], [b"\n".join(lines)], unless=gone)
        found = b"".join(ports.pipes.flow([programs.roles_beside()], unless=gone))
    if _told(text) != _told(found):
        raise Failed("roles", "not all roles came as they were", "this is a defect of the agent")


def _told(text: bytes) -> list[bytes]:
    return sorted(line for line in text.split(b"\n") if line.startswith(_ROLES))


def database(
    ports: Ports, server: Server, runs: Image, image: str, found: Database, *, as_admin: bool
) -> Generator[Told, None, tuple[int, list[str]]]:
    """Bring one, and compare it: how many rows it has, and what is to be known of it. Raises Failed."""
    yield {"phase": "count", "database": found.name}
    with read(ports, look.clients(server, runs, "count", found.name), found.name) as live:
        wanted = live.details
    yield {"phase": "copy", "database": found.name, "of": found.size}
    with said("copy", f"the log names what PostgreSQL refused; {_NOT_THERE}"):
        yield from _brought(ports, server, image, found, as_admin=as_admin or found.name in OWN)
    yield {"phase": "compare", "database": found.name}
    with said("analyze"):
        run(ports.pipes, [BESIDE.psql(found.name)], [restores.analyze().encode()], unless=ports.asker.gone)
    with read(ports, BESIDE.psql(found.name), found.name) as new:
        return _same(found, wanted, new.details)


def _same(found: Database, wanted: Details, new: Details) -> tuple[int, list[str]]:
    """Raises Failed for any difference but unlogged tables, which the live server can't read any more."""
    rows = {
        name: count for name, count in new.rows.items() if name in wanted.rows or name not in found.unlogged
    }
    try:
        warnings = compared(wanted, replace(new, rows=rows), found.owner, settings=True)
    except Failed as error:
        raise Failed("compare", f"{found.name}: {error}", _NOT_THERE) from None
    return sum(rows.values()), [f"{found.name}: {each}" for each in warnings]


def _brought(
    ports: Ports, server: Server, image: str, found: Database, *, as_admin: bool
) -> Generator[Told, None, None]:
    """Raises PipeBroken, Failed."""
    own = found.name in OWN
    elsewhere = min(OWN - {found.name})
    pieces = ports.pipes.flow([programs.dumped(server, image, found.name)], unless=ports.asker.gone)
    with closing(pieces):
        if as_admin:
            fresh = ("--create", "--clean", "--if-exists") if own else ("--create",)
            yield from _flowed(ports, programs.bring(elsewhere, *fresh), pieces, found)
            return
        head, listing = beginning(pieces, lambda data: _listing(ports, data))
        lines = [line for line in listing.split("\n") if line and not line.startswith(";")]
        if wrong := look.foreign(lines, found.owner):
            cause = f"{found.name}: {wrong[0]} is not its owner's"
            raise Failed("copy", cause, f"`--as-admin {found.name}`; {_NOT_THERE}")
        _only(ports, filter(look.first, lines))
        run(ports.pipes, [programs.bring(elsewhere, "--create", f"--use-list={programs.LIST}")], [head])
        _asked(ports, restores.login(found.owner))
        _only(ports, (line for line in lines if not look.first(line)))
        yield from _flowed(ports, programs.bring_as(found.name, found.owner), _whole(head, pieces), found)
        _asked(ports, restores.login(None))


def _flowed(
    ports: Ports, argv: list[str], pieces: Iterable[bytes], found: Database
) -> Generator[Told, None, None]:
    counted, told = Counted(pieces), ports.clock.monotonic()
    for _ in ports.pipes.flow([argv], counted.pieces(), unless=ports.asker.gone):
        if ports.clock.monotonic() - told >= TELL_S:
            told = ports.clock.monotonic()
            yield {"phase": "copy", "database": found.name, "done": counted.size, "of": found.size}


def _listing(ports: Ports, head: bytes) -> str:
    with said("copy"):
        return b"".join(ports.pipes.flow([programs.contents()], [head])).decode("utf-8", "replace")


def _only(ports: Ports, lines: Iterable[str]) -> None:
    ports.files.write(programs.LIST, "\n".join(lines).encode() + b"\n", 0o600, _OWNER)


def _asked(ports: Ports, text: str) -> None:
    run(ports.pipes, [BESIDE.psql("postgres")], [text.encode()])


def _whole(head: bytes, rest: Iterable[bytes]) -> Generator[bytes, None, None]:
    yield head
    yield from rest
