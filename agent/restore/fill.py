"""A new database beside the live one, filled from a source and compared with it.

What a dump brings runs as the database's owner: a function in it that a table's check calls would else run as the
administrator.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Generator, Iterable
from typing import Final

from agent.admins.scram import verifier
from agent.backup import aside
from agent.backup import programs as clients
from agent.backup.aside import Note
from agent.backup.snapshot import read
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import PipeBroken, run
from agent.host.ports import Ports
from agent.restore import programs, queries
from agent.restore.dumps import TELL_S
from agent.restore.plan import compared
from agent.restore.work import Source, Told, Work, not_gone, said

OWNER: Final = "70:70"
FIRST: Final = re.compile(r"[0-9]+; [0-9]+ [0-9]+ (?:SCHEMA - |EXTENSION - |COMMENT - EXTENSION )")
"""Entries of a dump that only the administrator may bring, and what they stand in."""
_REMEDY: Final = (
    "the log names what PostgreSQL refused; what an administrator has put in by hand comes with `--as-admin`"
)


def filled(work: Work, source: Source) -> Generator[Told, None, None]:
    """Make and fill it. Raises Failed; whoever asked leaves: Failed."""
    target = work.target
    yield work.told("create")
    note = Note("restoring", source.what, work.wanted.by, f"{work.ports.clock.now():%Y-%m-%dT%H:%M:%SZ}")
    with said("create"):
        work.asked(queries.create(target.live.name, target.new, note.text()))
        _let_in(work)
        _first(work, source.contents, source.head)
    yield work.told("load", of=source.total)
    not_gone(work.ports, "load")
    _listed(work.ports, [line for line in source.contents.split("\n") if not FIRST.match(line)])
    with said("load", _REMEDY):
        yield from _loaded(work, source)
    yield work.told("settings")
    given = None if work.foreign else source.details.settings
    with said("settings"):
        if not work.wanted.table:
            work.asked(queries.analyze(), target.new)
        of_roles = source.details.role_settings
        work.asked(queries.settings(target.live.name, target.new, given, of_roles))


def checked(work: Work, source: Source) -> tuple[int, list[str]]:
    """How many rows it has, and what is to be known of it. Raises Failed when it isn't as its source was."""
    new = work.target.new
    argv = clients.psql(work.server, work.image.id, "restore-check", new)
    with read(work.ports, argv, new) as found:
        details = found.details
    warnings = compared(source.details, details, work.target.live.owner, settings=not work.foreign)
    with said("check"):
        if words := work.asked(queries.public(), new):
            raise Failed("check", f"everybody may {', '.join(words)}", "this is a defect of the agent")
    return sum(details.rows.values()), warnings


def scrubbed(work: Work) -> None:
    """Run the statements that a copy is changed by, all or none of them, as its owner. Raises Failed."""
    text = queries.role(work.target.live.owner) + work.wanted.scrub + "\n"
    argv = [
        *programs.as_owner(work.server, work.image.id, work.target.new),
        "--single-transaction",
        "--file=-",
    ]
    with said("scrub", "the log has what PostgreSQL said of the statements; nothing was changed"):
        run(work.ports.pipes, [argv], [text.encode()], unless=work.ports.asker.gone)


def cleared(work: Work) -> None:
    """Whatever happened: nothing is left but what is called otherwise by now."""
    for path in (paths.RESTORE_LOGIN, paths.RESTORE_LIST):
        work.ports.files.remove(path)
    try:
        aside.drop(work.ports, work.server, work.image, work.target.new)
        work.asked(queries.login(None))
    except PipeBroken as error:
        work.ports.journal.log(f"restore: {work.target.new} can't be removed, the next run does it: {error}")


def _let_in(work: Work) -> None:
    """Let the role of restores log in with a password that nobody but this run has. Raises PipeBroken."""
    password = secrets.token_hex(24)
    work.ports.files.write(paths.RESTORE_LOGIN, f"*:*:*:{queries.LOGIN}:{password}\n".encode(), 0o600, OWNER)
    work.asked(queries.login(work.target.live.owner, verifier(password)))


def _first(work: Work, contents: str, head: bytes) -> None:
    """Schemas and extensions; a copy gets those of the database whose place it takes, too. Raises PipeBroken."""
    lines = [line for line in contents.split("\n") if FIRST.match(line)]
    if lines:
        _listed(work.ports, lines)
        run(work.ports.pipes, [programs.bring_listed(work.server, work.image.id, work.target.new)], [head])
    if work.foreign:
        wanted = work.asked("SELECT to_json(extname) FROM pg_extension;\n", work.target.live.name)
        work.asked(queries.extensions([json.loads(name) for name in wanted]), work.target.new)
    work.asked(queries.schemas(), work.target.new)


def _listed(ports: Ports, lines: Iterable[str]) -> None:
    ports.files.write(paths.RESTORE_LIST, "\n".join(lines).encode() + b"\n", 0o600, OWNER)


def _loaded(work: Work, source: Source) -> Generator[Told, None, None]:
    """Raises PipeBroken, Damaged, StoreError."""
    target, ports = work.target, work.ports
    argv = programs.bring(
        work.server, work.image.id, target.new, target.live.owner,
        foreign=work.foreign, data_only=bool(work.wanted.table), as_admin=work.wanted.as_admin,
    )  # fmt: skip
    counted = Counted(source.pieces)
    told = ports.clock.monotonic()
    for _ in ports.pipes.flow([argv], counted.pieces(), unless=ports.asker.gone):
        if ports.clock.monotonic() - told >= TELL_S:
            told = ports.clock.monotonic()
            yield work.told("load", done=counted.size, of=source.total)


class Counted:
    """Pieces on their way, and how many bytes they were."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.size = 0

    def pieces(self) -> Generator[bytes, None, None]:
        try:
            for piece in self._pieces:
                self.size += len(piece)
                yield piece
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
