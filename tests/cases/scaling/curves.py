"""Demands over time, as cases and property tests play them. Seconds in, percent of CPU of all servers together out."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cases.scaling.played import Demand

HOUR = 3600.0
FOLDER = Path(__file__).parent


def flat(level: float) -> Demand:
    return lambda at: level


def day(low: float, high: float) -> Demand:
    """Least at four in the morning, most at four in the afternoon."""
    return lambda at: low + (high - low) * (1 - math.cos(2 * math.pi * (at / HOUR - 4) / 24)) / 2


def sawtooth(low: float, high: float, period: float) -> Demand:
    return lambda at: low + (high - low) * ((at % period) / period)


def spikes(base: float, height: float, every: float, length: float) -> Demand:
    return lambda at: height if at % every < length else base


def steps(levels: Sequence[tuple[float, float]]) -> Demand:
    """`(from second, level)`, in order; the first one from 0."""
    starts = [start for start, _ in levels]
    return lambda at: levels[max(0, bisect_right(starts, at) - 1)][1]


def recorded(name: str) -> Demand:
    """A value a minute, one a line."""
    lines = (FOLDER / name).read_text().splitlines()
    values = [float(line) for line in lines if line and not line.startswith("#")]
    return lambda at: values[min(len(values) - 1, int(at // 60))]


def of(spec: Mapping[str, Any]) -> Demand:
    """The curve that a case asks for: one key, its name, with its arguments."""
    ((name, arguments),) = spec.items()
    if name == "recorded":
        return recorded(arguments)
    if name == "steps":
        return steps([(start * HOUR, level) for start, level in arguments])
    made = {"flat": flat, "day": day, "sawtooth": sawtooth, "spikes": spikes}[name]
    return made(**arguments)
