"""A pool that is played: a demand, servers that share it, faults, and a decision every minute."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from codeb.model import Autoscale
from codeb.scaling import Act, Decision, Sample, Situation, decide

SCRAPE_S = 15
BOOT_S = 180
"""From the decision until a new server takes its share."""
Demand = Callable[[float], float]
"""At a time in seconds: percent of CPU that all servers have to do together, 140 for one server and two fifths."""


@dataclass(frozen=True)
class Faults:
    """`dead`: who does not answer, and from when to when; `refused`: when the API makes and deletes nothing. Seconds."""

    dead: Sequence[tuple[str, float, float]] = ()
    refused: Sequence[tuple[float, float]] = ()

    def is_dead(self, server: str, at: float) -> bool:
        return any(name == server and start <= at < end for name, start, end in self.dead)

    def refuses(self, at: float) -> bool:
        return any(start <= at < end for start, end in self.refused)


@dataclass(frozen=True)
class Tick:
    """What was decided at a time, and what became of it. `demand` is the mean of the window, as it would have been measured
    by servers without limit."""

    at: float
    before: int
    decision: Decision
    done: bool
    demand: float

    @property
    def act(self) -> Act:
        return self.decision.act


@dataclass
class Pool:
    """Its servers: name → since when each takes its share."""

    rules: Autoscale
    demand: Demand
    faults: Faults = Faults()
    noise: float = 0.0
    seed: int = 0
    start: int = 2
    decided: float | None = None
    servers: dict[str, float] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - the same noise each time
        self.servers = {f"app-{number}": 0.0 for number in range(1, self.start + 1)}

    def play(self, seconds: float, every: float = 60.0) -> Iterator[Tick]:
        """A decision after each `every` seconds, carried out unless the API refuses."""
        at = 0.0
        while at < seconds:
            self._measure(at, at + every)
            at += every
            yield self._tick(at)

    def _measure(self, start: float, end: float) -> None:
        at = start
        while at < end:
            working = [
                name
                for name, since in self.servers.items()
                if since <= at and not self.faults.is_dead(name, at)
            ]
            share = self.demand(at) / max(1, len(working))
            for name in working:
                cpu = share + self._random.uniform(-self.noise, self.noise)
                self.samples.append(Sample(at, name, min(100.0, max(0.0, cpu))))
            at += SCRAPE_S

    def _tick(self, at: float) -> Tick:
        window = self.rules.window / 1000
        self.samples = [each for each in self.samples if each.at >= at - window]
        before = len(self.servers)
        situation = Situation(at, tuple(self.servers), tuple(self.samples), decided=self.decided)
        decision = decide(self.rules, situation)
        done = decision.act != "hold" and not self.faults.refuses(at)
        if decision.act != "hold":
            self.decided = at
        if done and decision.act == "add":
            self.servers[f"app-{before + 1}"] = at + BOOT_S
        elif done:
            del self.servers[f"app-{before}"]
        moments = [at - window + step * SCRAPE_S for step in range(int(window // SCRAPE_S))]
        demand = sum(self.demand(each) for each in moments) / len(moments)
        return Tick(at, before, decision, done, demand)
