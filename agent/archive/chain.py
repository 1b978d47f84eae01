"""Whether WAL is complete from a base backup on, by names alone. Pure.

PostgreSQL takes the first segment that isn't there for the end: without a moment to recover to it opens for writing there,
and says nothing of the segments that come later. So a hole is found here, before anything is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.archive import tail
from agent.archive.segments import SIZE, Inventory, Piece, Segment, position

_LINE = re.compile(r"\s*([0-9]+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)\s*.*")


@dataclass(frozen=True)
class Switch:
    """Up to which position (LSN) a timeline is part of another's past."""

    timeline: int
    until: int


@dataclass(frozen=True)
class Chain:
    """What follows a base backup without a hole: whole segments, then pieces of the one after them.

    `missing` is the segment that isn't there though later ones are.
    """

    timeline: int
    segments: tuple[Segment, ...]
    tail: tuple[Piece, ...]
    missing: Segment | None = None

    @property
    def last(self) -> Segment:
        """The newest segment of which anything is there. Raises IndexError when nothing is."""
        return self.tail[-1].segment if self.tail else self.segments[-1]

    @property
    def end(self) -> int:
        """The position (LSN) up to which WAL is there; 0 when nothing is."""
        if self.tail:
            return self.tail[-1].segment.start + self.tail[-1].end
        return self.segments[-1].after().start if self.segments else 0


def parse_history(text: str) -> tuple[Switch, ...]:
    """The timelines that came before, the oldest first, from a history file (src/backend/access/transam/timeline.c).

    Raises:
        ValueError: a line is none of a history, or the timelines don't grow.
    """
    found: list[Switch] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        matched = _LINE.fullmatch(line)
        if not matched:
            raise ValueError("a history of timelines has a line of another form")
        switch = Switch(int(matched[1]), position(matched[2]))
        if found and (switch.timeline <= found[-1].timeline or switch.until < found[-1].until):
            raise ValueError("the timelines of a history don't grow")
        found.append(switch)
    return tuple(found)


def newest_timeline(start: Segment, histories: Mapping[int, Sequence[Switch]]) -> int:
    """The newest timeline that has a segment of WAL in its past: where recovery goes unless told otherwise."""
    later = [
        timeline
        for timeline, past in histories.items()
        if any(switch.timeline == start.timeline and switch.until >= start.start for switch in past)
    ]
    return max([start.timeline, *later])


def follow(start: Segment, there: Inventory, histories: Mapping[int, Sequence[Switch]]) -> Chain:
    """The chain from a segment on, on the newest timeline that it leads to."""
    timeline = newest_timeline(start, histories)
    past = histories.get(timeline, ())
    whole: list[Segment] = []
    for wanted in _wanted(start, timeline, past):
        if wanted not in there.segments:
            break
        whole.append(wanted)
    pieces = tail.cover(there.pieces.get(wanted, ()))
    later = any(
        each.number > wanted.number and each == Segment(timeline_at(each.number, timeline, past), each.number)
        for each in (*there.segments, *there.pieces)
    )
    return Chain(timeline, tuple(whole), pieces, wanted if later else None)


def timeline_at(number: int, timeline: int, past: Sequence[Switch]) -> int:
    """On which timeline recovery to `timeline` reads the segment of this number: the newest that has begun by then."""
    for switch in past:
        # The segment in which a timeline ends is read from the next one, which begins with a copy of it.
        if number < switch.until // SIZE:
            return switch.timeline
    return timeline


def _wanted(start: Segment, timeline: int, past: Sequence[Switch]) -> Iterator[Segment]:
    number = start.number
    while True:
        yield Segment(timeline_at(number, timeline, past), number)
        number += 1
