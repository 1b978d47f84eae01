"""What a database holds, as sums that are the same on both sides when the data is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.moving import queries
from agent.moving.sides import Side
from agent.moving.work import REMEDY, asked
from agent.restore.work import said

_SHOWN = 5


@dataclass(frozen=True)
class Sums:
    """By table (as SQL writes it), sequence and `large objects`: rows, and a sum of them or where the sequence is."""

    found: Mapping[str, tuple[int, str]]

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.found.values())

    @property
    def text(self) -> str:
        """One sum of all: nothing can be told of the data by it."""
        lines = (f"{json.dumps(name)} {rows} {value}\n" for name, (rows, value) in sorted(self.found.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def taken(ports: Ports, side: Side, database: str) -> Sums:
    """Of a database as it is now. Raises Failed."""
    with said("check", REMEDY):
        lines = asked(ports, side, queries.sums(), database)
    try:
        read = [json.loads(line) for line in lines]
        return Sums({str(name): (int(rows), str(value)) for name, rows, value in read})
    except (ValueError, TypeError) as error:
        raise Failed("check", f"an answer of {side.name} can't be read: {error}", REMEDY) from None


def refuse_other(wanted: Sums, found: Sums) -> None:
    """Raises Failed unless both are the same."""
    names = sorted({*wanted.found, *found.found})
    wrong = [
        _difference(name, wanted, found) for name in names if wanted.found.get(name) != found.found.get(name)
    ]
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise Failed("check", "; ".join(wrong[:_SHOWN]) + more, REMEDY)


def _difference(name: str, wanted: Sums, found: Sums) -> str:
    one, other = wanted.found.get(name), found.found.get(name)
    if other is None:
        return f"{name} is missing"
    if one is None:
        return f"{name} was not in it"
    if one[0] != other[0]:
        return f"{name} has {other[0]} rows, and had {one[0]}"
    return f"{name} has as many rows, and others than it had"
