"""The spool on the host: WAL that was received and isn't in a store yet.

`receive` is pg_receivewal's own; what it has finished moves to `ready`, from where it is shipped. So where pg_receivewal
goes on after a restart (behind the newest file that it finds, else where its slot is) depends on nothing that waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.archive import programs, segments, tail
from agent.archive.segments import PARTIAL, SIZE, Segment
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Tail:
    """The segment under way: its bytes up to the last one that is written."""

    segment: Segment
    content: bytes


def settle(ports: Ports) -> None:
    """Move what is finished out of pg_receivewal's way. Raises Failed."""
    whole = [
        f"{paths.ARCHIVE_RECEIVE}/{name}"
        for name in ports.files.listing(paths.ARCHIVE_RECEIVE)
        if segments.segment(name) or segments.history(name)
    ]
    ports.files.directory(paths.ARCHIVE_READY, 0o700, "root:root")
    if not whole:
        return
    result = ports.runner.run(programs.moved(whole, paths.ARCHIVE_READY))
    if not result.ok:
        raise Failed(
            "spool", f"WAL can't be moved within {paths.ARCHIVE}: {result.text[:200]}", "see `df -h`"
        )
    for path in whole:  # one that is in `ready` already, of an earlier time
        ports.files.remove(path)


def clear(ports: Ports) -> None:
    """Have pg_receivewal begin where its slot is. It must not run."""
    settle(ports)
    for name in ports.files.listing(paths.ARCHIVE_RECEIVE):
        if name.endswith(PARTIAL):
            ports.files.remove(f"{paths.ARCHIVE_RECEIVE}/{name}")


def ready(ports: Ports) -> list[Segment]:
    """Whole segments, in the order in which they were written."""
    found = (segments.segment(name) for name in ports.files.listing(paths.ARCHIVE_READY))
    return sorted(each for each in found if each is not None)


def histories(ports: Ports) -> list[int]:
    """Timelines whose history was received."""
    found = (segments.history(name) for name in ports.files.listing(paths.ARCHIVE_READY))
    return sorted(each for each in found if each is not None)


def path(what: Segment | int) -> str:
    """Where a segment, or the history of a timeline, waits."""
    name = f"{what:08X}.history" if isinstance(what, int) else str(what)
    return f"{paths.ARCHIVE_READY}/{name}"


def size(ports: Ports) -> int:
    """Bytes that wait, the segment under way among them."""
    names = [*ports.files.listing(paths.ARCHIVE_READY), *ports.files.listing(paths.ARCHIVE_RECEIVE)]
    return SIZE * sum(segments.segment(name.removesuffix(PARTIAL)) is not None for name in names)


def under_way(ports: Ports, system: str) -> Tail | None:
    """What of the newest segment is written; None when nothing is, or it is another cluster's."""
    names = [name for name in ports.files.listing(paths.ARCHIVE_RECEIVE) if name.endswith(PARTIAL)]
    found = sorted(each for name in names if (each := segments.segment(name.removesuffix(PARTIAL))))
    if not found:
        return None
    file = f"{paths.ARCHIVE_RECEIVE}/{found[-1]}{PARTIAL}"
    first, second = ports.files.read(file), ports.files.read(file)
    if first is None or second is None:  # finished meanwhile
        return None
    data = tail.steady(first, second)
    if tail.system(found[-1], data) != system:
        return None
    return Tail(found[-1], data[: tail.used(found[-1], data, 0)])
