"""Streams that stay open (WebSockets, server-sent events): the life of each, and which ones were dropped. Pure.

A stream lives on the colour that it was opened on, and must live until that colour is stopped as the standby. So an
end is right when systemd had begun to stop the colour before (its journal says when), that colour was not the serving
one, and the client was told so properly (1001, or the end of the answer). Every other end is a drop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

GOING_AWAY = "1001"
CLEAN = "ended"
ANSWER_SECONDS = 5
_COLUMNS = 5


@dataclass(frozen=True)
class Row:
    """One line of k6's CSV that tells of a stream: when (seconds since the epoch), and tags that say what."""

    at: float
    tags: Mapping[str, str]


def rows(lines: Iterable[str]) -> list[Row]:
    """The `live` rows of k6's CSV; a last line that is cut off is left out."""
    cells = [line.split(",") for line in lines if line.startswith("live,")]
    return [Row(int(one[1]) / 1000, dict(parse_qsl(one[3]))) for one in cells if len(one) == _COLUMNS]


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
    """WebSockets from k6's rows. What happens after `until` is us ending the load."""
    lives: dict[str, Life] = {}
    troubles: list[str] = []
    asked: dict[str, float] = {}
    causes: dict[str, str] = {}
    for row in sorted((row for row in found if row.at <= until), key=_order):
        tags, name = row.tags, row.tags["socket"]
        if tags["event"] == "connect":
            asked[name] = row.at
        elif tags["event"] == "open":
            asked.pop(name, None)
            lives[name] = Life("websocket", tags.get("colour", ""), tags.get("version", ""), row.at)
        elif tags["event"] == "error":
            causes[name] = f": {tags['cause']}"
        elif tags["event"] == "close" and name in lives:
            lives[name] = replace(lives[name], ended=row.at, how=tags["code"])
        elif tags["event"] == "close":
            began = asked.pop(name, row.at)
            troubles.append(f"websocket never opened, {row.at - began:.1f} s long{causes.get(name, '')}")
        elif tags["event"] in ("silent", "wrong"):
            troubles.append(f"websocket {tags['event']}")
    late = ["websocket never answered" for at in asked.values() if until - at > ANSWER_SECONDS]
    return Streams(tuple(lives.values()), (*troubles, *late))


def _order(row: Row) -> tuple[float, int]:
    return row.at, ("connect", "open").index(row.tags["event"]) if row.tags["event"] in (
        "connect",
        "open",
    ) else 2


def drops(lives: Iterable[Life], stops: Sequence[Moment], serving: Sequence[Moment]) -> list[Life]:
    """The streams that ended when they should not have; `serving` says from when on a colour served for certain."""
    return [life for life in lives if life.ended is not None and not _rightly(life, stops, serving)]


def _rightly(life: Life, stops: Sequence[Moment], serving: Sequence[Moment]) -> bool:
    stop = next((stop for stop in stops if stop.colour == life.colour and stop.at >= life.opened), None)
    if stop is None or life.ended is None or life.ended < stop.at:
        return False
    return life.how in (GOING_AWAY, CLEAN) and serving_at(serving, stop.at) != life.colour


def serving_at(serving: Sequence[Moment], at: float) -> str | None:
    """The colour that was last known to serve at a time."""
    known = [moment.colour for moment in serving if moment.at <= at]
    return known[-1] if known else None
