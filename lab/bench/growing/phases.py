"""The benchmark's phases: few servers, more of them, and few again, under a load that never ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from lab.apps import PROBE
from lab.bench.growing.seen import Phase, Seen
from lab.bench.releases.phases import stay
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.fleet.production import PATIENT, Production
from lab.load import Load, Shape, Target

POOL = "default"
FIRST, LATE = "shop", "late"
"""The project that is there from the beginning, on servers that stay; the one that comes to a server which leaves later."""
LET_IN_SECONDS = 2 * 15 + 10
"""A balancer lets a server in after two good health checks, 15 s apart."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much: servers at first and at most, requests a second on both projects, seconds of each steady phase."""

    few: int
    many: int
    rate: int
    steady_seconds: float
    sockets: int = 20

    @property
    def first(self) -> Shape:
        """The load on the project that is there all the time."""
        return Shape(rate=round(self.rate * 0.75), sockets=self.sockets)

    @property
    def late(self) -> Shape:
        """The load on the one that comes later."""
        return Shape(rate=round(self.rate * 0.25), sockets=max(1, self.sockets // 4), events=2)

    @property
    def joined(self) -> list[str]:
        """Servers that come and go."""
        return [f"app-{number}" for number in range(self.few + 1, self.many + 1)]


@dataclass
class Run:
    """One measurement of one fleet."""

    production: Production
    plan: Plan
    tell: Tell
    _phases: list[Phase] = field(default_factory=list)

    def measure(self) -> Seen:
        """Deploys, loads, grows, shrinks. Raises BenchError, LabError, LoadError."""
        made, plan = self.production, self.plan
        made.resize(POOL, plan.few)
        made.write(FIRST, manifest(FIRST, replicas=plan.few))
        self.tell(f"{plan.few} app servers, a balancer and a data server, from nothing")
        made.begin()
        wait_until_serving(self._target(FIRST), 120)
        with ExitStack() as loads:
            first = loads.enter_context(Load(self._target(FIRST), plan.first, made.cloud.lab))
            self._steady(f"{plan.few} servers")
            self._resized(f"{plan.few} to {plan.many}", plan.many)
            late = loads.enter_context(self._late())
            steady = self._steady(f"{plan.many} servers")
            answered = {name: self._answered(name, steady) for name in self._apps()}
            before = self._placed()
            errors = self._errors()
            self._resized(f"{plan.many} to {plan.few}", plan.few)
            self._steady(f"{plan.few} servers again")
        moved = {LATE: (before[LATE], self._placed()[LATE])}
        return Seen([first.result, late.result], self._phases, answered, moved, errors | self._errors())

    def _late(self) -> Load:
        """A project that is added now goes where there is most room: to one of the servers that joined."""
        self.production.write(LATE, manifest(LATE, replicas=1))
        self._updated("a project is added", lambda: wait_until_serving(self._target(LATE), 120))
        (server,) = self._placed()[LATE]
        if server not in self.plan.joined:
            raise BenchError(
                f"{LATE} runs on {server}, so nothing would move: {self.plan.joined} should have had more room"
            )
        return Load(self._target(LATE), self.plan.late, self.production.cloud.lab)

    def _resized(self, name: str, count: int) -> None:
        self.production.resize(POOL, count)
        self._updated(name, lambda: time.sleep(LET_IN_SECONDS))

    def _steady(self, name: str) -> Phase:
        self.tell(f"{name}: steady for {self.plan.steady_seconds:.0f} s")
        self._phases.append(Phase(name, stay(self.plan.steady_seconds)))
        return self._phases[-1]

    def _updated(self, name: str, then: Callable[[], object]) -> None:
        self.tell(f"{name}: pulumi up")
        began = time.time()
        self.production.up()
        took = time.time() - began
        self.tell(f"{name}: done in {took:.0f} s")
        then()
        self._phases.append(Phase(name, (began, time.time()), took))

    def _apps(self) -> list[str]:
        return [each.name for each in self.production.cloud.servers() if each.name.startswith("app-")]

    def _placed(self) -> dict[str, list[str]]:
        projects = self.production.outputs()["registry"]["projects"]
        return {name: list(entry["servers"]) for name, entry in projects.items()}

    def _answered(self, server: str, phase: Phase) -> int:
        """Visitors' requests that a server's Caddy noted in a phase. Raises BenchError."""
        since, until = (f"@{at:.0f}" for at in phase.window)
        lines = self._noted(server, "http.log.access", f"--since={since}", f"--until={until}")
        domains = tuple(f'"host":"{domain(name)}"' for name in (FIRST, LATE))
        return sum(any(each in line for each in domains) for line in lines)

    def _errors(self) -> dict[str, list[str]]:
        """What each server's Caddy says of requests that it could not serve. Raises BenchError."""
        return {name: self._noted(name, "http.log.error") for name in self._apps()}

    def _noted(self, server: str, logger: str, *when: str) -> list[str]:
        line = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--unit=caddy.service", *when]
        done = self.production.on(server, *line, f"--grep={logger}", "--lines=1000000")
        if done.returncode not in (0, 1):  # 1: nothing matches
            raise BenchError(f"{server}'s journal can't be read: {done.stderr.decode().strip()}")
        return done.stdout.decode(errors="replace").splitlines()

    def _target(self, name: str) -> Target:
        entry = self.production.cloud.entry()
        if entry is None:
            raise BenchError("no balancer answers the internet")
        return Target(domain(name), entry, self.production.authority)


def domain(name: str) -> str:
    """Of a project."""
    return f"{name}.lab.test"


def manifest(name: str, replicas: int) -> dict[str, Any]:
    """The probe app as a project with a database."""
    return {
        "project": {"id": name},
        "environment": {"domain": domain(name), "image": PROBE.image},
        "servers": {"replicas": replicas},
        "resources": {"cache": {"enabled": False}, "storage": {"enabled": False}},
        "features": {"max_upload": "64Mi"},
        "monitoring": {"health": {"interval": "500ms", "start_timeout": "60s", **PATIENT}},
        "backup": {"enabled": False},
    }
