"""The data of one side in a new database of the other, the same by its sums, in the place of what was there."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from agent.admins.scram import verifier
from agent.backup import queries as backups
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import PipeBroken, run
from agent.moving import queries, sums
from agent.moving.sides import Side
from agent.moving.sums import Sums
from agent.moving.work import REMEDY, Told, Work, asked, looked
from agent.restore import queries as restores
from agent.restore.dumps import TELL_S, beginning
from agent.restore.fill import FIRST, OWNER, Counted
from agent.restore.plan import refuse_crowded
from agent.restore.work import free_bytes, not_gone, said

_LIST: Final = "/run/codeb/move.list"
_DUMP: Final = ("pg_dump", "--format=custom", "--compress=0", "--lock-wait-timeout=60000", "--no-privileges")
_RESTORE: Final = ("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--use-list={_LIST}")
_REFUSED: Final = "the log names what PostgreSQL refused: the service lets nobody be its superuser; see docs/managed-data.md"

Telling = Generator[Told, None, Sums]


def refuse_unfit(work: Work) -> tuple[int, list[str]]:
    """How many bytes there are to bring, and what does not come along. Raises Failed for what can't go well."""
    source, target = looked(work, work.source), looked(work, work.target)
    project = work.database.project
    if not source.there:
        raise Failed("look", f"there is no {work.database.name} ({work.source.name})", "`pulumi up` makes it")
    if source.major != target.major:
        cause = f"PostgreSQL is {source.major} ({work.source.name}) and {target.major} ({work.target.name})"
        remedy = "bring both to one major version (`codeb upgrade postgres`, codeb:managed.postgres.version)"
        raise Failed("look", cause, remedy)
    if source.others:
        cause = (
            f"{', '.join(source.others[:5])} may log in to {work.database.name}, and could write meanwhile"
        )
        remedy = f'REVOKE CONNECT ON DATABASE "{work.database.name}" FROM each, then run again'
        raise Failed("look", cause, remedy)
    if work.target.name == "here":
        refuse_crowded(source.size, free_bytes(work.ports), 0)
    with said("look", REMEDY):
        lines = [
            json.loads(line)
            for line in asked(work.ports, work.source, queries.extensions(), work.database.name)
        ]
        wanted = [name for kind, name in lines if kind == "extension"]
        missing = [json.loads(line) for line in asked(work.ports, work.target, queries.lacking(wanted))]
    if missing:
        cause = f"{work.target.name} does not offer {', '.join(missing)}, which {project} uses"
        raise Failed("look", cause, f"`DROP EXTENSION` where {project} can do without, then run again")
    with said("look", REMEDY):
        refused = _settings(work).refused
    rights = [name for kind, name in lines if kind == "role"]
    warnings = [f"rights of {name} don't come along: GRANT them again" for name in rights]
    return source.size, [
        *warnings,
        *(f"setting {name} doesn't come along: it takes a superuser" for name in refused),
    ]


def copied(work: Work, size: int) -> Telling:
    """Fill, compare, put in place. Whatever happens the source is as it was; nothing half filled is left. Raises Failed."""
    try:
        yield work.told("create")
        _created(work)
        yield work.told("copy", of=size)
        yield from _loaded(work, size)
        yield work.told("check")
        not_gone(work.ports, "check")
        before = sums.taken(work.ports, work.source, work.database.name)
        after = sums.taken(work.ports, work.target, work.database.filled)
        sums.refuse_other(before, after)
        not_gone(work.ports, "place")
        yield work.told("place")
        with said("place", REMEDY):
            asked(work.ports, work.target, queries.place(work.database.filled, work.database.name))
        return after
    finally:
        cleared(work)


def cleared(work: Work) -> None:
    """Nothing is left that was only for a copy."""
    for path in (paths.RESTORE_LOGIN, paths.RESTORE_LIST):
        work.ports.files.remove(path)
    try:
        asked(work.ports, work.target, queries.drop(work.database.filled))
        asked(work.ports, work.target, _login(work.target, None))
    except PipeBroken as error:
        work.ports.journal.log(
            f"move: {work.database.filled} can't be removed, the next move does it: {error}"
        )


def _created(work: Work) -> None:
    database = work.database
    password = secrets.token_hex(24)
    login = f"*:*:*:{restores.LOGIN}:{password}\n"
    with said("create", REMEDY):
        asked(work.ports, work.target, queries.create(database.name, database.filled, database.owner))
        work.ports.files.write(paths.RESTORE_LOGIN, login.encode(), 0o600, OWNER)
        asked(work.ports, work.target, _login(work.target, database.owner, verifier(password)))


def _login(side: Side, owner: str | None, hashed: str = "") -> str:
    if side.name == "here":
        return restores.login(owner, hashed)
    return queries.login(restores.LOGIN, owner, hashed)


def _loaded(work: Work, size: int) -> Generator[Told, None, None]:
    """Raises Failed. What only administrators bring, schemas and extensions, is in the first bytes of a dump."""
    ports, target, name = work.ports, work.target, work.database.filled
    mounts = [f"{paths.RESTORE_LIST}:{_LIST}"]
    dump = work.source.client("dump", [*_DUMP, f"--dbname={work.database.name}"])
    with said("copy", _REFUSED):
        pieces = ports.pipes.flow([dump], unless=ports.asker.gone)
        try:
            head, contents = beginning(pieces, lambda first: _contents(work, first))
            lines = contents.split("\n")
            first = [line for line in lines if FIRST.match(line)]
            if first:
                _listed(work, first)
                run(
                    ports.pipes,
                    [target.client("first", [*_RESTORE, f"--dbname={name}"], mounts=mounts)],
                    [head],
                )
            asked(ports, target, restores.schemas(), name)
            _listed(work, [line for line in lines if not FIRST.match(line)])
            words = [*_RESTORE, "--enable-row-security", f"--role={work.database.owner}", f"--dbname={name}"]
            yield from _flowing(
                work, target.as_owner("load", words, mounts=mounts), _whole(head, pieces), size
            )
        finally:
            with suppress(ValueError):  # a thread that feeds a program may be at it still, and closes it then
                pieces.close()
        _finished(work)


def _whole(head: bytes, rest: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    yield head
    yield from rest


def _flowing(work: Work, argv: list[str], pieces: Iterable[bytes], size: int) -> Generator[Told, None, None]:
    """Raises PipeBroken."""
    ports, counted = work.ports, Counted(pieces)
    told = ports.clock.monotonic()
    for _ in ports.pipes.flow([argv], counted.pieces(), unless=ports.asker.gone):
        if ports.clock.monotonic() - told >= TELL_S:
            told = ports.clock.monotonic()
            yield work.told("copy", done=counted.size, of=size)


def _contents(work: Work, head: bytes) -> str:
    with said("copy", REMEDY):
        argv = work.target.client("list", ["pg_restore", "--list"])
        return b"".join(work.ports.pipes.flow([argv], [head])).decode("utf-8", "replace")


def _listed(work: Work, lines: Iterable[str]) -> None:
    work.ports.files.write(paths.RESTORE_LIST, "\n".join(lines).encode() + b"\n", 0o600, OWNER)


@dataclass(frozen=True)
class _Settings:
    """Settings (`name=value`) of a database and of roles in it that the other side takes, and names of those it does not."""

    given: list[str]
    of_roles: dict[str, list[str]]
    refused: list[str]


def _settings(work: Work) -> _Settings:
    """What the source has. Raises PipeBroken."""
    facts: dict[str, Any] = json.loads(asked(work.ports, work.source, backups.facts(), work.database.name)[0])
    given, of_roles = list(facts["settings"]), dict(facts["role_settings"])
    names = sorted({_name(text) for text in itertools.chain(given, *of_roles.values())})
    lines = asked(work.ports, work.target, queries.settable(names)) if names else []
    taken = {json.loads(line) for line in lines}
    return _Settings(
        [text for text in given if _name(text) in taken],
        {role: [text for text in texts if _name(text) in taken] for role, texts in of_roles.items()},
        [name for name in names if name not in taken],
    )


def _name(setting: str) -> str:
    return setting.partition("=")[0]


def _finished(work: Work) -> None:
    """Statistics for the planner, and settings of the database and of roles in it. Raises PipeBroken."""
    database, found = work.database, _settings(work)
    asked(work.ports, work.target, restores.analyze(), database.filled)
    text = restores.settings(database.name, database.filled, found.given, found.of_roles)
    asked(work.ports, work.target, text)
