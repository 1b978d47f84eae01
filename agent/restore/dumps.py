"""A backup as a source: found in the stores, read to its end and compared with its sums, before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Final

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.restore import programs
from agent.restore.plan import Choice, chosen, refuse_newer
from agent.restore.work import Source, Told, Work, not_gone, said
from agent.store import backups
from agent.store.backups import Listing
from agent.store.sealed import Damaged
from agent.store.settings import Settings, Store
from agent.store.source import unasked

HEAD: Final = 32 << 20
"""Bytes of a dump that hold its list of contents: of some fifty thousand tables."""
TELL_S: Final = 5
_FIRST: Final = 1 << 18


def listings(ports: Ports, settings: Settings, project: str) -> tuple[list[tuple[Store, Listing]], list[str]]:
    """What the stores have of a project; why others can't be asked, in words."""
    found, problems = [], []
    for store in settings.stores:
        try:
            found.append((store, backups.listed(ports, store.place, project)))
        except StoreError as error:
            problems.append(unasked(store, error))
    return found, problems


def choice(work: Work, runs: str) -> Choice:
    """The backup that is wanted. `runs` is the server's version. Raises Failed."""
    found = chosen(work.wanted.backup, *listings(work.ports, work.settings, work.wanted.project))
    refuse_newer(found.backup.postgres, runs)
    return found


def source(work: Work, found: Choice, warnings: list[str]) -> Generator[Told, None, Source]:
    """The backup from the first store that has it undamaged; what is wrong with others is a warning. Raises Failed."""
    backup = found.backup
    with said("verify"):
        details = backups.details(work.ports, backup)
    problems = []
    for store in found.stores:
        yield work.told("verify", store=store.name, size=backup.size)
        try:
            head, total = yield from _verified(work, store, found)
        except (Damaged, StoreError, PipeBroken) as error:
            not_gone(work.ports, "verify")
            problems.append(f"{store.name}: {error}")
            continue
        warnings += problems
        pieces = backups.dump(work.ports, store.place, backup, unless=work.ports.asker.gone)
        return Source(f"backup {backup.id}", details, contents(work, head), total, head, pieces)
    raise Failed("verify", "; ".join(problems), "`codeb restore list` says which other backups there are")


def contents(work: Work, head: bytes) -> str:
    """What a dump contains, a line an entry, by its first bytes. Raises Failed when they don't say."""
    with said("verify", "try another backup"):
        argv = programs.contents(work.server, work.image.id)
        return b"".join(work.ports.pipes.flow([argv], [head])).decode("utf-8", "replace")


def beginning(pieces: Iterable[bytes], listed: Callable[[bytes], str]) -> tuple[bytes, str]:
    """The first bytes of a dump, as many as it takes to know what it contains, and what that is. Raises Failed."""
    head, enough = bytearray(), _FIRST
    for piece in pieces:
        head += piece
        if len(head) < enough:
            continue
        try:
            return bytes(head), listed(bytes(head))
        except Failed:
            if len(head) > HEAD:
                raise
            enough *= 2
    return bytes(head), listed(bytes(head))


def _verified(work: Work, store: Store, found: Choice) -> Generator[Told, None, tuple[bytes, int]]:
    """The first bytes of a dump and how many it has. Raises Damaged, StoreError, PipeBroken."""
    head, total, told = bytearray(), 0, work.ports.clock.monotonic()
    for piece in backups.dump(work.ports, store.place, found.backup, unless=work.ports.asker.gone):
        total += len(piece)
        head += piece[: HEAD - len(head)]
        if work.ports.clock.monotonic() - told >= TELL_S:
            told = work.ports.clock.monotonic()
            yield work.told("verify", done=total)
    return bytes(head), total
