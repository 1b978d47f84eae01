"""From a store onto the disk: a base backup, and WAL in portions, each looked at before PostgreSQL gets it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Final

from agent.archive import bases, programs, segments, stock, tail
from agent.archive.choice import Choice
from agent.archive.segments import SIZE, Piece, Segment
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken, run
from agent.host.ports import Ports
from agent.store.sealed import Damaged, opened

_MARGIN: Final = timedelta(minutes=2)
_MORE: Final = 64
_SPARE: Final = 1 << 30
_AGAIN: Final = "nothing was changed; take another base backup or another store"


def room_for(ports: Ports, chosen: Choice, at: datetime | None, parent: str) -> None:
    """Raises Failed when the disk has no room for the files of the server, its WAL and what it writes."""
    needed = chosen.window.base.plain_size + SIZE * len(_needed(chosen, at)) + _SPARE
    words = ports.runner.run(programs.room(parent)).out.split()
    free = int(words[-1]) if words and words[-1].isdigit() else 0
    if free < needed:
        cause = f"recovery takes {needed >> 20} MiB below {parent}, and {free >> 20} MiB are free"
        raise Failed("room", cause, "make room, or recover on another host")


def laid_out(ports: Ports, chosen: Choice, folder: str) -> None:
    """The files of a base backup, and folders for WAL and socket. Raises Failed, StoreError."""
    base = chosen.window.base
    ports.files.directory(folder, 0o711, "root:root")
    for name in ("data", "wal", "socket"):
        ports.files.directory(f"{folder}/{name}", 0o700, programs.OWNER)
    key = bases.tar_key(base.system, base.id)
    source = opened(ports, chosen.stock.place, key, sha256=base.sha256, plain_sha256=base.plain_sha256)
    try:
        run(ports.pipes, [programs.unpack(f"{folder}/data")], source)
    except Damaged as error:
        raise Failed("fetch", f"base backup {base.id} is damaged: {error}", _AGAIN) from None
    except PipeBroken as error:
        raise Failed("fetch", f"base backup {base.id} can't be unpacked: {error}", "see `df -h`") from None
    if ports.files.listing(f"{folder}/data/pg_tblspc"):
        raise Failed("fetch", "the cluster has tablespaces", "the archive takes clusters without any")


def portions(
    ports: Ports, chosen: Choice, at: datetime | None, folder: str
) -> Generator[Segment, None, None]:
    """Bring WAL in: all that the moment should take, then more with each turn, to the end. Gives the newest that is there.

    Raises Failed, StoreError.
    """
    wal = chosen.window.chain
    for timeline in {each.timeline for each in wal.segments} | {wal.timeline}:
        if timeline in chosen.stock.wal.histories:
            _bring_history(ports, chosen, timeline, folder)
    there, wanted = 0, len(_needed(chosen, at))
    while True:
        for whole in wal.segments[there:wanted]:
            _write(ports, folder, str(whole), _content(ports, chosen, whole))
        there = min(wanted, len(wal.segments))
        if there == len(wal.segments) and wal.tail:
            whole = wal.tail[-1].segment
            _write(ports, folder, str(whole), _assembled(ports, chosen, wal.tail))
        yield wal.last
        if there == len(wal.segments):
            return
        wanted = there + _MORE


def _needed(chosen: Choice, at: datetime | None) -> tuple[Segment, ...]:
    """The segments that a moment should take: those stored until a while after it. One stored late may be of before."""
    wal = chosen.window.chain.segments
    if at is None:
        return wal
    came = chosen.stock.came
    least = chosen.window.base.end // SIZE - chosen.window.base.first.number + 1
    late = [n for n, whole in enumerate(wal) if came[whole] > at + _MARGIN]
    return wal[: max(late[0] + 1 if late else len(wal), least)]


def _bring_history(ports: Ports, chosen: Choice, timeline: int, folder: str) -> None:
    try:
        _, content = stock.history(ports, chosen.stock.place, chosen.stock.system, timeline)
    except (Damaged, PipeBroken) as error:
        raise Failed("fetch", f"the history of timeline {timeline} is damaged: {error}", _AGAIN) from None
    _write(ports, folder, f"{timeline:08X}.history", content)


def _content(ports: Ports, chosen: Choice, what: Segment | Piece) -> bytes:
    """Raises Failed, StoreError."""
    key = segments.key(chosen.stock.system, what)
    try:
        return b"".join(opened(ports, chosen.stock.place, key))
    except (Damaged, PipeBroken) as error:
        raise Failed("fetch", f"WAL {what} is damaged: {error}", _AGAIN) from None


def _assembled(ports: Ports, chosen: Choice, pieces: tuple[Piece, ...]) -> bytes:
    try:
        return tail.assembled([(piece, _content(ports, chosen, piece)) for piece in pieces])
    except ValueError as error:
        raise Failed("fetch", f"WAL {pieces[-1].segment} can't be put together: {error}", _AGAIN) from None


def _write(ports: Ports, folder: str, name: str, content: bytes) -> None:
    ports.files.write(f"{folder}/wal/{name}", content, 0o600, programs.OWNER)
