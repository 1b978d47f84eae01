"""What an exporter answers, with values that move from one time it is asked to the next. Pure.

Names and labels of what there is of each project are in `samples/`, as real programs gave them, with @…@ where they differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SAMPLES: Final = Path(__file__).parent / "samples"
_PLACE: Final = re.compile(r"@(\w+)@")
_BUCKETS: Final = {"0.005": 0.2, "0.01": 0.4, "0.025": 0.7, "0.05": 0.85, "0.1": 0.95}
"""Share of requests up to so many seconds; all are faster than the other bounds."""
_COUNTERS: Final = ("counter", "histogram")

Row = Mapping[str, str]
"""Values for the places of a sample."""


@dataclass(frozen=True)
class Line:
    """A series as it is written: its value is `first`, and more by `step` each time; or a comment, without any."""

    text: str
    first: float = 0
    step: float | None = None


@dataclass(frozen=True)
class Text:
    """All that one target answers."""

    lines: Sequence[Line] = ()

    @property
    def series(self) -> int:
        """How many it has."""
        return sum(line.step is not None for line in self.lines)

    def at(self, time: int) -> bytes:
        """What it answers when it is asked for this time, from 0."""
        parts = [
            f"{line.text}\n" if line.step is None else f"{line.text} {line.first + line.step * time}\n"
            for line in self.lines
        ]
        return "".join(parts).encode()

    def __add__(self, other: Text) -> Text:
        return Text((*self.lines, *other.lines))


def sampled(name: str, rows: Sequence[Row], rate: int = 20) -> Text:
    """A sample for each row, a family's series together. A counter rises by `rate` each time, or by the row's own `rate`."""
    found: list[Line] = []
    kind, family = "", list[str]()
    for line in (_SAMPLES / f"{name}.prom").read_text().splitlines():
        if line.startswith("#"):
            found += _filled(family, rows, kind, rate)
            found.append(Line(line))
            family, kind = [], line.split()[-1]
        else:
            family.append(line)
    return Text((*found, *_filled(family, rows, kind, rate)))


def told(text: bytes) -> Text:
    """What is answered the same each time, from an exposition."""
    lines = [
        Line(line)
        if line.startswith("#")
        else Line(line.rpartition(" ")[0], float(line.rpartition(" ")[2]), 0)
        for line in text.decode().splitlines()
    ]
    return Text(lines)


def others(count: int, name: str = "codeb_bench_other") -> Text:
    """So many series that there are once, however many projects: what a program tells of itself and of its server."""
    return Text([Line(f'{name}{{number="{number}"}}', number, 1) for number in range(count)])


def _filled(family: Iterable[str], rows: Sequence[Row], kind: str, rate: int) -> list[Line]:
    return [_line(line, row, kind, int(row.get("rate", rate))) for row in rows for line in family]


def _line(line: str, row: Row, kind: str, rate: int) -> Line:
    text = _PLACE.sub(lambda place: row[place[1]], line)
    if kind not in _COUNTERS:
        return Line(text, 4096 * rate, 1)
    name = line.partition("{")[0]
    if name.endswith(("_sum", "_seconds_total")):
        return Line(text, 0.0, rate * 0.0171)
    bound = re.search(r'le="([^"]+)"', line)
    return Line(text, 0, int(rate * _BUCKETS.get(bound[1], 1)) if bound else rate)
