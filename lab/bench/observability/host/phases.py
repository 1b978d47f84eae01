"""The lab host at rest, under load, and under load with and without what watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from lab import paths
from lab.bench.observability.host.figures import Cost, Mode, Round, Seen, cost
from lab.bench.observability.host.units import Units
from lab.bench.releases.phases import WARM_UP_SECONDS, stay
from lab.bench.releases.stack import Stack
from lab.bench.releases.ways import wait_until_serving
from lab.load import Load, Result, Shape
from lab.load.samples import Window

# After a deployment, and after services have come or gone.
SETTLE_SECONDS: Final = 20
WAYS: Final = ("units", "stack")
_HOW: Final = {
    "units": "its units are stopped, Caddy counts and traces as before",
    "stack": "the stack is deployed with `codeb:monitoring: {enabled: false}`",
}

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Plan:
    """Requests a second; seconds that are looked at idle and under load; rounds, and seconds of each half of one; how it is
    without, of `WAYS`."""

    rate: int = 200
    seconds: float = 60
    rounds: int = 6
    half_seconds: float = 20
    without: str = "units"

    @property
    def shape(self) -> Shape:
        """Requests alone: streams and uploads have no p99."""
        return Shape(rate=self.rate, sockets=0, events=0, upload_seconds=0)


@dataclass
class Watched(Stack):
    """The dev stack with the app of the benchmark, which can be deployed without monitoring."""

    def watched(self, enabled: bool) -> None:
        """Deploy it with monitoring or without. Raises BenchError."""
        path = self.folder / f"Pulumi.{paths.STACK}.yaml"
        settings = switched((paths.REPO / path.name).read_text(), enabled)
        path.unlink()
        path.write_text(settings)
        self._up(f"monitoring {'on' if enabled else 'off'}")
        wait_until_serving(self.target)


def switched(settings: str, enabled: bool) -> str:
    """Text of a stack's settings with monitoring on or off, all else as it is."""
    found: dict[str, Any] = yaml.safe_load(settings)
    monitoring = found["config"].setdefault("codeb:monitoring", {})
    found["config"]["codeb:monitoring"] = {**monitoring, "enabled": enabled}
    return yaml.safe_dump(found)


def measure(stack: Watched, plan: Plan, tell: Tell) -> Seen:
    """Raises BenchError, LoadError."""
    units = Units.on(stack.lab)
    tell(f"bench: {len(units.services)} services watch the host; idle for {plan.seconds:.0f} s")
    stay(SETTLE_SECONDS)
    agent = units.agent()

    def look() -> Cost:
        before = units.read()
        time.sleep(plan.seconds)
        return cost(before, units.read(), agent)

    idle = look()
    with Load(stack.target, plan.shape, stack.lab) as load:
        stay(WARM_UP_SECONDS)
        tell(f"bench: {plan.rate} requests/s for {plan.seconds:.0f} s")
        busy = look()
        rounds = (
            [_round(units, plan, number, tell) for number in range(plan.rounds)]
            if plan.without == "units"
            else []
        )
    results = [load.result]
    if plan.without == "stack":
        rounds, more = _deployed(stack, plan, tell)
        results += more
    return Seen(
        idle,
        busy,
        plan.rate,
        _HOW[plan.without],
        rounds,
        [request for result in results for request in result.requests],
        sum(result.failed for result in results),
    )


def _round(units: Units, plan: Plan, number: int, tell: Tell) -> Round:
    """Each begins with what the one before it ended with, so that neither is always the later."""
    order: tuple[Mode, ...] = ("with", "without") if number % 2 == 0 else ("without", "with")
    tell(f"bench: round {number + 1} of {plan.rounds}: {order[0]}, {order[1]}")
    windows: dict[Mode, Window] = {}
    for mode in order:
        if mode == "with":
            stay(SETTLE_SECONDS)
            windows[mode] = stay(plan.half_seconds)
        else:
            with units.away():
                stay(SETTLE_SECONDS)
                windows[mode] = stay(plan.half_seconds)
    return Round(windows)


def _deployed(stack: Watched, plan: Plan, tell: Tell) -> tuple[list[Round], list[Result]]:
    """With, without, with: each deployed once and under a load of its own; the two rounds share the one without."""
    windows, results = [], []
    for enabled in (True, False, True):
        tell(
            f"bench: the stack is deployed with monitoring {'on' if enabled else 'off'}, and then under load"
        )
        stack.watched(enabled)
        stay(SETTLE_SECONDS)
        with Load(stack.target, plan.shape, stack.lab) as load:
            stay(WARM_UP_SECONDS)
            windows.append(stay(plan.rounds * plan.half_seconds))
        results.append(load.result)
    first, without, last = windows
    return [Round({"with": each, "without": without}) for each in (first, last)], results
