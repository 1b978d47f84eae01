"""Figures of steps that ran under load. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.bench.releases.verdict import Latency
from lab.load import samples
from lab.load.samples import Sample, Window

GOAL: Final = 1.2
"""The most that visitors' p99 may be during a step, by that right before and after it."""
HEADINGS: Final = (
    "GB",
    "step",
    "seconds",
    "of it",
    "MB/s",
    "stored MB",
    "steady ms",
    "during ms",
    "p99 ratio",
)


@dataclass(frozen=True)
class Step:
    """What ran, on how many bytes, and what the agent says of it: `seconds` in all, `inner` of pg_restore in a proof (None
    elsewhere), `stored` bytes (None for what stores none). `around` is steady load before and after."""

    name: str
    size: int
    window: Window
    around: tuple[Window, ...]
    seconds: float
    inner: float | None = None
    stored: int | None = None


@dataclass(frozen=True)
class Figures:
    """A step, and the latency of requests around and during it."""

    step: Step
    steady: Latency
    during: Latency

    @property
    def ratio(self) -> float:
        return self.during.p99 / self.steady.p99

    @property
    def rate(self) -> float:
        """MB a second of the database's size."""
        return self.step.size / 1e6 / (self.step.inner or self.step.seconds)


def figures(steps: Iterable[Step], requests: Sequence[Sample]) -> list[Figures]:
    """Of each step, in their order."""
    return [
        Figures(
            step,
            Latency.of(samples.within(requests, step.around)),
            Latency.of(samples.within(requests, [step.window])),
        )
        for step in steps
    ]


def step(name: str, size: int, window: Window, around: tuple[Window, ...], answer: Mapping[str, Any]) -> Step:
    """A step with what the agent's verb has answered: `backup` and `prove` by project, `base` for itself.

    Raises ValueError when it went wrong.
    """
    if answer.get("ok") is not True:
        raise ValueError(f"{name}: {answer.get('summary') or answer.get('cause')}")
    found = next(iter(answer.get("projects") or ()), answer)
    stored = found.get("bytes") if name == "base" else found.get("size") if name == "backup" else None
    return Step(name, size, window, around, float(found["seconds"]), found.get("restore_seconds"), stored)


def row(found: Figures) -> tuple[str, ...]:
    """The cells below `HEADINGS`."""
    step = found.step
    return (
        f"{step.size / 1e9:.1f}",
        step.name,
        f"{step.seconds:.1f}",
        "" if step.inner is None else f"{step.inner:.1f}",
        f"{found.rate:.0f}",
        "" if step.stored is None else f"{step.stored / 1e6:.0f}",
        f"{found.steady.p99:.1f}",
        f"{found.during.p99:.1f}",
        f"{found.ratio:.2f}",
    )
