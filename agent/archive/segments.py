"""WAL by its names: segments, pieces of the one that is still being written, and how all of them are called in a store.

PostgreSQL's own names: 8 hexadecimal digits of timeline, 8 of the upper half of the position, 8 of the segment within it
(`XLogFileName` in src/include/access/xlog_internal.h); with segments of 16 MiB there are 256 to each upper half.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

SIZE: Final = 16 << 20
"""Bytes of a segment: what initdb makes unless told otherwise, and the image isn't."""
PAGE: Final = 8192
"""Bytes of a page of WAL."""
PARTIAL: Final = ".partial"
SEALED: Final = ".zst.age"
"""How names of sealed objects end: compressed, then encrypted."""

_EACH: Final = (1 << 32) // SIZE
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_PIECE: Final = re.compile(r"([0-9A-F]{24})\.(0|[1-9][0-9]{0,7})-([1-9][0-9]{0,7})")
_HISTORY: Final = re.compile(r"([0-9A-F]{8})\.history")
_LSN: Final = re.compile(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Segment:
    """One file of WAL. `number` counts from the beginning of the cluster, whatever the timeline."""

    timeline: int
    number: int

    def __str__(self) -> str:
        upper, lower = divmod(self.number, _EACH)
        return f"{self.timeline:08X}{upper:08X}{lower:08X}"

    @property
    def start(self) -> int:
        """The position (LSN) of its first byte."""
        return self.number * SIZE

    def after(self, count: int = 1) -> Segment:
        """The one so many further on the same timeline."""
        return Segment(self.timeline, self.number + count)


@dataclass(frozen=True, order=True)
class Piece:
    """Bytes `start` to `end` (excluded) of a segment that was still being written; `start` is that of a page."""

    segment: Segment
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.segment}.{self.start}-{self.end}"


@dataclass(frozen=True)
class Inventory:
    """What of a cluster's WAL a store has, by names."""

    segments: frozenset[Segment] = frozenset()
    pieces: Mapping[Segment, tuple[Piece, ...]] = field(default_factory=dict)
    histories: frozenset[int] = frozenset()


def segment(name: str) -> Segment | None:
    """The segment that a file of this name is; None for any other name."""
    if not _SEGMENT.fullmatch(name):
        return None
    timeline, upper, lower = (int(name[at : at + 8], 16) for at in (0, 8, 16))
    return Segment(timeline, upper * _EACH + lower) if timeline and lower < _EACH else None


def piece(name: str) -> Piece | None:
    """The piece that an object of this name (without folder and ending) is; None for any other name."""
    found = _PIECE.fullmatch(name)
    whole = segment(found[1]) if found else None
    if not found or whole is None:
        return None
    start, end = int(found[2]), int(found[3])
    return Piece(whole, start, end) if start % PAGE == 0 and start < end <= SIZE else None


def history(name: str) -> int | None:
    """The timeline whose history a file of this name is; None for any other name."""
    found = _HISTORY.fullmatch(name)
    return int(found[1], 16) if found and int(found[1], 16) > 1 else None


def position(text: str) -> int:
    """A position as PostgreSQL writes it (`0/3000060`) in bytes from the beginning.

    Raises:
        ValueError: it is none.
    """
    found = _LSN.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:40]!r} is no position in WAL")
    return (int(found[1], 16) << 32) + int(found[2], 16)


def at(timeline: int, lsn: int) -> Segment:
    """The segment that a position is in."""
    return Segment(timeline, lsn // SIZE)


def folder(system: str) -> str:
    """Where a cluster's WAL is in a store."""
    return f"cluster/{system}/wal/"


def key(system: str, what: Segment | Piece | int) -> str:
    """Name in a store of a segment, a piece, or the history of a timeline."""
    timeline = what if isinstance(what, int) else (what.segment if isinstance(what, Piece) else what).timeline
    name = f"{timeline:08X}.history" if isinstance(what, int) else str(what)
    return f"{folder(system)}{timeline:08X}/{name}{SEALED}"


def inventory(system: str, keys: Iterable[str]) -> Inventory:
    """What these names in a store are. A name that isn't exactly as `key` writes it is none of ours and doesn't count."""
    segments: set[Segment] = set()
    pieces: dict[Segment, list[Piece]] = {}
    histories: set[int] = set()
    for name in keys:
        stem = name.rpartition("/")[2].removesuffix(SEALED)
        found = segment(stem) or piece(stem) or history(stem)
        if found is None or key(system, found) != name:
            continue
        if isinstance(found, Segment):
            segments.add(found)
        elif isinstance(found, Piece):
            pieces.setdefault(found.segment, []).append(found)
        else:
            histories.add(found)
    ordered = {whole: tuple(sorted(parts)) for whole, parts in pieces.items()}
    return Inventory(frozenset(segments), ordered, frozenset(histories))
