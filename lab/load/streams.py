"""Streams that stay open (WebSockets, server-sent events): the life of each, and which ones were dropped. Pure.

A stream lives on the colour that it was opened on, and must live until that colour is stopped as the standby. So an
end is right when systemd had begun to stop the colour before (its journal says when), that colour was not the serving
one, and the client was told so properly (1001, or the end of the answer). Every other end is a drop. A stream that does
not tell its colour may be of any that was stopped as the standby since it was opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

GOING_AWAY = "1001"
CLEAN = "ended"
UNKNOWN = ""
"""The colour of a stream that does not tell whose it is."""
ANSWER_SECONDS = 15


@dataclass(frozen=True)
class Row:
    """One thing that happened to a WebSocket: when (seconds since the epoch), to which, what, and what that tells."""

    at: float
    socket: str
    event: str
    tells: Mapping[str, Any]


def rows(lines: Sequence[str]) -> list[Row]:
    """Rows from what `lab.load.live` writes; a last line that is cut off is left out."""
    whole = lines[:-1] if lines and not lines[-1].endswith("}") else lines
    return [_row(**json.loads(line)) for line in whole]


def _row(at: float, socket: str, event: str, **tells: object) -> Row:
    return Row(at, socket, event, tells)


@dataclass(frozen=True)
class Life:
    """A stream: where it was opened, when, and when and how it ended (None: it was open to the end)."""

    kind: str
    colour: str
    version: str
    opened: float
    ended: float | None = None
    how: str = ""


@dataclass(frozen=True)
class Moment:
    """Something that happened to a colour: it began to stop, or to serve."""

    at: float
    colour: str


@dataclass(frozen=True)
class Streams:
    """All lives, and what else went wrong: connections that never opened, messages that did not come back."""

    lives: tuple[Life, ...]
    troubles: tuple[str, ...]


def sockets(found: Iterable[Row], until: float) -> Streams:
    """WebSockets from their rows, in order. What happens after `until` is us ending the load."""
    lives: dict[str, Life] = {}
    troubles: list[str] = []
    asked: dict[str, float] = {}
    causes: dict[str, str] = {}
    for row in (row for row in found if row.at <= until):
        name, tells = row.socket, row.tells
        if row.event == "connect":
            asked[name] = row.at
        elif row.event == "open":
            del asked[name]
            lives[name] = Life("websocket", str(tells["colour"]), tells["version"], row.at)
        elif row.event == "error":
            causes[name] = f": {tells['cause']}"
        elif row.event == "close" and name in lives:
            lives[name] = replace(lives[name], ended=row.at, how=str(tells["code"]))
        elif row.event == "close":
            troubles.append(
                f"websocket never opened, {row.at - asked.pop(name):.1f} s long{causes.get(name, '')}"
            )
        else:
            troubles.append(f"websocket {row.event}")
    late = ["websocket never answered" for at in asked.values() if until - at > ANSWER_SECONDS]
    return Streams(tuple(lives.values()), (*troubles, *late))


def drops(lives: Iterable[Life], stops: Sequence[Moment], serving: Sequence[Moment]) -> list[Life]:
    """The streams that ended when they should not have; `serving` says from when on a colour served for certain."""
    return [life for life in lives if life.ended is not None and not _rightly(life, stops, serving)]


def _rightly(life: Life, stops: Sequence[Moment], serving: Sequence[Moment]) -> bool:
    """Only the first stop of a colour since the stream was opened can be its own."""
    since = [stop for stop in stops if stop.at >= life.opened and life.colour in (stop.colour, UNKNOWN)]
    first = {stop.colour: stop for stop in reversed(since)}.values()
    return life.how in (GOING_AWAY, CLEAN) and any(
        life.ended is not None and life.ended >= stop.at and serving_at(serving, stop.at) != stop.colour
        for stop in first
    )


def serving_at(serving: Sequence[Moment], at: float) -> str | None:
    """The colour that was last known to serve at a time."""
    known = [moment.colour for moment in serving if moment.at <= at]
    return known[-1] if known else None
