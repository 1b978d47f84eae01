"""The tail of WAL: what of the segment under way is written, and a segment put together again from its pieces. Pure.

`pg_receivewal` fills a file of zeros from its beginning. Each page of it starts with its own position, so that a page
that was not written yet is told from one that was (`XLogPageHeaderData` in src/include/access/xlog_internal.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from agent.archive.segments import PAGE, SIZE, Piece, Segment

_HEADER = struct.Struct("<HHIQ")  # magic, flags, timeline, position of the page
_LONG = struct.Struct("<HHIQIIQII")  # of a segment's first page: besides, length left over, cluster, sizes
_IS_LONG = 0x0002
MOST_PIECES = 60
"""So many pieces of a segment, and the next one starts anew from its beginning: a recovery reads a few, not thousands."""


def steady(first: bytes, second: bytes) -> bytes:
    """Of two readings of a file that is being written, what surely was there when the first one ended.

    A reading may have a later byte of a write and not the earlier ones; the second would then differ from it there.
    """
    if first == second:
        return first
    length = min(len(first), len(second))
    for start in range(0, length, PAGE):
        one, other = first[start : start + PAGE], second[start : start + PAGE]
        if one != other:
            alike = min(len(one), len(other))
            return first[: start + next((n for n in range(alike) if one[n] != other[n]), alike)]
    return first[:length]


def used(segment: Segment, data: bytes, start: int) -> int:
    """Up to which byte of the segment something is written. `data` are its bytes from `start`, that of a page, on.

    Trailing zeros don't count: what follows them comes with the next piece, which begins with the same page.
    """
    end = start
    for offset in range(0, len(data), PAGE):
        page = data[offset : offset + PAGE]
        if not _is_page(segment, page, start + offset):
            break
        end = start + offset + len(page.rstrip(b"\0"))
    return end


def _is_page(segment: Segment, page: bytes, offset: int) -> bool:
    if len(page) < _HEADER.size:
        return False
    magic, _, timeline, position = _HEADER.unpack_from(page)
    # On the first segment of a timeline the pages before its beginning are the parent's.
    return bool(magic) and 0 < timeline <= segment.timeline and position == segment.start + offset


def system(segment: Segment, data: bytes) -> str:
    """The cluster (its system identifier) that a segment's beginning says it is of; "" when it is no such segment."""
    if len(data) < _LONG.size or not _is_page(segment, data[:PAGE], 0):
        return ""
    _, flags, _, _, _, _, cluster, size, page = _LONG.unpack_from(data)
    return str(cluster) if flags & _IS_LONG and (size, page) == (SIZE, PAGE) else ""


def start_of_next(sent: int, pieces: int) -> int:
    """Where the next piece begins: with the page that the last one ended in, or anew from the beginning."""
    return 0 if pieces and pieces % MOST_PIECES == 0 else max(0, sent - 1) // PAGE * PAGE


def cover(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The fewest pieces that give as much of their segment, from its beginning, as all of them do."""
    left, reached = sorted(pieces), 0
    chosen: list[Piece] = []
    while True:
        # A piece that begins where the last one ended within a page has that whole page.
        fitting = [piece for piece in left if piece.start <= reached and piece.end > reached]
        if not fitting:
            return tuple(chosen)
        best = max(fitting, key=lambda piece: piece.end)
        chosen.append(best)
        reached = best.end


def superfluous(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces that `cover` doesn't need and that don't reach past it: they may go."""
    found = sorted(pieces)
    needed = cover(found)
    reached = needed[-1].end if needed else 0
    return tuple(piece for piece in found if piece not in needed and piece.end <= reached)


def assembled(parts: Sequence[tuple[Piece, bytes]]) -> bytes:
    """A segment's file from the pieces that `cover` chose, with zeros where nothing was written yet.

    Raises:
        ValueError: a piece's bytes are more or less than its name says, or one doesn't follow the one before.
    """
    content, reached = bytearray(SIZE), 0
    for piece, data in parts:
        if len(data) != piece.end - piece.start:
            raise ValueError(f"{piece} has {len(data)} bytes")
        if piece.start > reached:
            raise ValueError(f"nothing is there between byte {reached} and {piece}")
        content[piece.start : piece.end] = data
        reached = piece.end
    return bytes(content)
