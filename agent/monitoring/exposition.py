"""Series as text: Prometheus' exposition format, as the node exporter reads it from files. Pure.

A file with a series twice, or with a line that can't be read, costs the node exporter's whole scrape: so a family is a table
of labels, and whatever stands in a label is escaped here and nowhere else
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Labels = tuple[tuple[str, str], ...]
"""Names and values."""


@dataclass(frozen=True)
class Family:
    """All series of a name, by their labels; `meaning` is one line."""

    name: str
    meaning: str
    kind: Literal["gauge", "counter"] = "gauge"
    series: Mapping[Labels, float] = field(default_factory=dict)


def labels(**values: str) -> Labels:
    """Labels of a series, in this order."""
    return tuple(values.items())


def text(families: Iterable[Family]) -> bytes:
    """The content of a file. Families without series, and values that are no number, are left out."""
    lines: list[str] = []
    for family in families:
        rows = [
            f"{family.name}{_written(key)} {_number(value)}"
            for key, value in sorted(family.series.items())
            if math.isfinite(value)
        ]
        if rows:
            lines += [f"# HELP {family.name} {family.meaning}", f"# TYPE {family.name} {family.kind}", *rows]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _written(key: Labels) -> str:
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in key) + "}" if key else ""


def _number(value: float) -> str:
    """Whole numbers without a fraction; the format reads what Go's ParseFloat reads."""
    return str(int(value)) if value == int(value) else repr(float(value))
