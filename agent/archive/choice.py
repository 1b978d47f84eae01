"""From which base backup a moment is recovered, and whether it can be at all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.archive import stock
from agent.archive.stock import Stock, Window
from agent.documents.errors import Failed

_LATER = "name a later moment: `codeb restore list` says from when on there is one"


@dataclass(frozen=True)
class Choice:
    """A base backup with the WAL behind it, in a store."""

    stock: Stock
    window: Window


def chosen(found: Stock, at: datetime | None) -> Choice:
    """The newest base backup that ended before the moment, and whose WAL is there as far as names tell.

    A hole is an error for the latest moment, and for one that may come after it; of one that surely comes before it nobody
    knows until PostgreSQL has seen its WAL. Raises Failed.
    """
    windows = stock.windows(found)
    if not windows:
        wrong = "; ".join(f"{name} {why}" for name, why in found.wrong.items())
        raise Failed(
            "choice", f"there is no base backup of cluster {found.system} {wrong}".strip(), "take one"
        )
    early = [each for each in windows if at is None or each.base.at <= at]
    if not early:
        first = windows[0].base.at
        raise Failed("choice", f"the oldest base backup is of {first:%Y-%m-%d %H:%M:%S} UTC", _LATER)
    good = [each for each in early if each.consistent]
    if not good:
        raise Failed("choice", f"no base backup has its WAL: {_holes(early)}", _LATER)
    best = good[-1]
    if at is None and best.chain.missing is not None:
        cause = f"WAL has a hole: {_holes([best])}"
        raise Failed("choice", cause, "name a moment before it, or wait for the next base backup")
    return Choice(found, best)


def _holes(windows: Iterable[Window]) -> str:
    missing = [
        f"{each.base.id} lacks segment {each.chain.missing or each.base.first.after(len(each.chain.segments))}"
        for each in windows
    ]
    return "; ".join(missing)
