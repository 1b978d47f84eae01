"""Figures of watching on one host, from looks at it and from what visitors got. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from lab.bench.observability.host.units import Reading, Use
from lab.bench.releases.verdict import Goal, Latency
from lab.bench.releases.ways import BenchError
from lab.load import samples
from lab.load.samples import Sample, Window, percentile

RATIO: Final = 1.05
"""The most that visitors' p99 may be with all of it, by that without."""
MEMORY_MIB: Final = 600
"""The most that all of it may take on a server that does everything: what `codeb:monitoring.memory` is by default."""
AGENT: Final = "codeb-metrics.service"
MIB: Final = 1 << 20

Mode = Literal["with", "without"]


@dataclass(frozen=True)
class Share:
    """What a unit takes: bytes, and its share of all processors (0 to 1)."""

    bytes: int
    cpu: float


@dataclass(frozen=True)
class Cost:
    """What units took in some seconds, by unit; bytes are between those at begin and end.

    `busy` is the share of processors of whatever ran on the machine. `memory` is the machine's, in bytes.
    """

    seconds: float
    memory: int
    busy: float
    units: Mapping[str, Share]

    @property
    def bytes(self) -> int:
        """Of all that run all the time: the agent is there for a moment."""
        return sum(share.bytes for unit, share in self.units.items() if unit != AGENT)

    @property
    def cpu(self) -> float:
        """Share of all processors, 0 to 1."""
        return sum(share.cpu for share in self.units.values())


@dataclass(frozen=True)
class Round:
    """Windows of load, one of each kind, near each other: the machine is not the same for long."""

    windows: Mapping[Mode, Window]


@dataclass(frozen=True)
class Seen:
    """All that was seen: `failed` requests of the whole load, `how` they were without monitoring."""

    idle: Cost
    busy: Cost
    rate: int
    how: str
    rounds: Sequence[Round]
    requests: Sequence[Sample]
    failed: int

    def latency(self, mode: Mode) -> Latency:
        """Of all rounds together."""
        return Latency.of(samples.within(self.requests, [each.windows[mode] for each in self.rounds]))

    @property
    def ratio(self) -> float:
        """p99 with, by p99 without."""
        return self.latency("with").p99 / self.latency("without").p99

    @property
    def ratios(self) -> list[float]:
        """The same of each round."""
        found = []
        for each in self.rounds:
            one = {
                mode: Latency.of(samples.within(self.requests, [window])).p99
                for mode, window in each.windows.items()
            }
            found.append(one["with"] / one["without"])
        return found


def cost(before: Reading, after: Reading, agent: Use) -> Cost:
    """Between two looks; `agent` is one of its runs, of which there is one a minute.

    Raises BenchError for a unit that was started again meanwhile.
    """
    seconds = after.at - before.at
    whole = seconds * after.processors
    found = {}
    for unit, now in after.units.items():
        used = now.cpu_s - before.units[unit].cpu_s
        if used < 0:
            raise BenchError(f"{unit} was started again while it was looked at")
        found[unit] = Share((now.bytes + before.units[unit].bytes) // 2, used / whole)
    found[AGENT] = Share(agent.bytes, agent.cpu_s / 60 / after.processors)
    return Cost(seconds, after.memory, (after.busy_s - before.busy_s) / whole, found)


def goals(seen: Seen) -> list[Goal]:
    """Met or missed; all but figures of a machine that also runs the load fail the run."""
    largest = max(seen.idle.bytes, seen.busy.bytes) / MIB
    return [
        Goal("failed requests: 0", str(seen.failed), seen.failed == 0, hard=True),
        Goal(f"memory <= {MEMORY_MIB} MiB", f"{largest:.0f} MiB", largest <= MEMORY_MIB, hard=True),
        Goal(f"p99 with by p99 without <= {RATIO}", f"{seen.ratio:.2f}", seen.ratio <= RATIO, hard=True),
    ]


HEADINGS: Final = ("unit", "idle MiB", "idle CPU %", "load MiB", "load CPU %")


def rows(seen: Seen) -> list[tuple[str, ...]]:
    """The cells below `HEADINGS`: units, all of them, their share of the host, and all that ran on the machine."""
    both = (seen.idle, seen.busy)
    units = [
        (unit, *(cell for each in both for cell in _cells(each.units[unit].bytes, each.units[unit].cpu)))
        for unit in seen.idle.units
    ]
    shares = (cell for each in both for cell in (f"{each.bytes / each.memory:.1%}", f"{each.cpu:.1%}"))
    return [
        *units,
        ("all of it", *(cell for each in both for cell in _cells(each.bytes, each.cpu))),
        ("share of the host", *shares),
        ("whatever ran", *(cell for each in both for cell in ("", f"{each.busy:.1%}"))),
    ]


def told(seen: Seen) -> list[str]:
    """Lines about latency."""
    lines = []
    for mode in ("with", "without"):
        found = seen.latency(mode)
        lines.append(
            f"{mode}: {found.count} requests, p50 {found.p50:.1f}, p95 {found.p95:.1f}, p99 {found.p99:.1f} ms"
        )
    lines.append(
        f"p99 ratio {seen.ratio:.2f}, median round by round {percentile(seen.ratios, 50):.2f} (without: {seen.how})"
    )
    return lines


def as_json(seen: Seen) -> dict[str, Any]:
    """Everything that is printed, and each round."""
    return {
        "rate": seen.rate,
        "idle": {**asdict(seen.idle), "bytes": seen.idle.bytes, "cpu": seen.idle.cpu},
        "load": {**asdict(seen.busy), "bytes": seen.busy.bytes, "cpu": seen.busy.cpu},
        "without": seen.how,
        "latency_ms": {mode: asdict(seen.latency(mode)) for mode in ("with", "without")},
        "p99_ratio": seen.ratio,
        "p99_ratios": seen.ratios,
        "failed": seen.failed,
    }


def _cells(size: int, share: float) -> tuple[str, str]:
    return f"{size / MIB:.0f}", f"{share * 100:.2f}"
