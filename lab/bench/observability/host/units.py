"""The units of monitoring on the lab host: which run, what they take, and that they can be away for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from codeb import watch_names
from codeb.plan import monitored
from lab.bench.releases.stack import HOST
from lab.bench.releases.ways import BenchError

KNOWN: Final = (
    *(watch_names.PROMETHEUS, watch_names.ALERTMANAGER, *monitored.LOG_PORTS, watch_names.JAEGER),
    *(watch_names.GRAFANA, watch_names.COLLECTOR),
    *(f"prometheus-{each}-exporter" for each in ("node", "process", "postgres", "redis")),
)
"""Services without extension."""
METRICS: Final = ("codeb-agent", "metrics")
"""What the timer has run each minute."""
_READING: Final = (Path(__file__).parent / "reading.py").read_bytes()


class Hosts(Protocol):
    """Where commands run: the lab."""

    def run(self, name: str, argv: Sequence[str], stdin: bytes | None = None) -> Any:
        """A finished process, with bytes of output."""


@dataclass(frozen=True)
class Use:
    """What some processes hold (bytes) and have used (seconds)."""

    bytes: int
    cpu_s: float


@dataclass(frozen=True)
class Reading:
    """One look at the host: `at` and `busy_s` are seconds, `memory` bytes."""

    at: float
    memory: int
    processors: int
    busy_s: float
    units: Mapping[str, Use]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Reading:
        """From what `reading.py` prints. Raises BenchError for a unit that has no process."""
        empty = [unit for unit, use in document["units"].items() if not use["processes"]]
        if empty:
            raise BenchError(f"no process of {', '.join(empty)} is to be found on the host")
        units = {unit: Use(use["bytes"], use["cpu_s"]) for unit, use in document["units"].items()}
        return cls(document["at"], document["memory"], document["processors"], document["busy_s"], units)


@dataclass(frozen=True)
class Units:
    """What runs of monitoring on a host, `services` with their extension."""

    hosts: Hosts
    services: tuple[str, ...]

    @classmethod
    def on(cls, hosts: Hosts) -> Units:
        """Those that run now. Raises BenchError when nothing watches the host."""
        names = [f"{name}.service" for name in KNOWN]
        # Its status tells only whether any of them doesn't run.
        done = hosts.run(HOST, ["systemctl", "is-active", *names])
        states = done.stdout.decode().split()
        running = tuple(
            name for name, state in zip(names, states, strict=True) if state in ("active", "reloading")
        )
        if f"{watch_names.PROMETHEUS}.service" not in running:
            raise BenchError("nothing watches the lab host: `make lab` deploys the dev stack, which does")
        return cls(hosts, running)

    def read(self) -> Reading:
        """Raises BenchError."""
        return Reading.of(json.loads(self._said(["python3", "-", *self.services], _READING)))

    def agent(self) -> Use:
        """What the agent's look at its projects takes, once. Raises BenchError."""
        found = json.loads(self._said(["python3", "-", "--once", *METRICS], _READING))
        return Use(found["bytes"], found["cpu_s"])

    @contextmanager
    def away(self) -> Iterator[None]:
        """They and the timer are stopped meanwhile, and started again whatever happens. Raises BenchError."""
        every = (watch_names.METRICS_TIMER, *self.services)
        try:
            self._said(["systemctl", "stop", *every])
            yield
        finally:
            self._said(["systemctl", "start", *every])

    def _said(self, argv: Sequence[str], stdin: bytes | None = None) -> str:
        done = self.hosts.run(HOST, argv, stdin)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(argv[:3])} … failed on {HOST}: {done.stderr.decode().strip()}")
        return str(done.stdout.decode())
