"""Each app in turn under the same steady load, and what the host's control groups used meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.bench.core_cms.apps import RATE, SUBJECTS, Subject
from lab.bench.core_cms.cost import APP, OTHERS, Cost, Look, Rates, Requests, look, rates
from lab.bench.core_cms.stack import Beside
from lab.bench.observability.host.units import Units
from lab.bench.releases.phases import WARM_UP_SECONDS, stay
from lab.load import Load, Result, Shape
from lab.load.samples import Window

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Plan:
    """Requests a second of one app at a time; rounds, and seconds of each app in one; seconds of rest before."""

    rate: int = RATE
    rounds: int = 3
    seconds: float = 20
    idle_seconds: float = 30

    @property
    def shape(self) -> Shape:
        """Requests alone."""
        return Shape(rate=self.rate, sockets=0, events=0, upload_seconds=0)


def measure(stack: Beside, plan: Plan, tell: Tell) -> Requests:
    """Each app in turn, in rounds that begin with another one each. Raises BenchError, LoadError."""
    services = {each.name: {APP: stack.container(each), **OTHERS} for each in SUBJECTS}
    tell(f"bench: all three at rest for {plan.idle_seconds:.0f} s")
    idle = _used(stack, services, plan.idle_seconds)
    sizes = {each.name: stack.settled(each) for each in SUBJECTS}
    looks: dict[str, list[Look]] = {each.name: [] for each in SUBJECTS}
    results: list[Result] = []
    for number in range(plan.rounds):
        first = number % len(SUBJECTS)
        for each in (*SUBJECTS[first:], *SUBJECTS[:first]):
            tell(f"bench: round {number + 1} of {plan.rounds}: {each.name} at {plan.rate} requests/s")
            window, used, result = _under_load(stack, each, services[each.name], plan)
            looks[each.name].append(look(result, window, used, idle[each.name]))
            results.append(result)
    return Requests(
        plan.rate,
        {name: Cost(found, sizes[name]) for name, found in looks.items()},
        sum(len(result.requests) for result in results),
        sum(result.failed for result in results),
        sum(result.unsent for result in results),
    )


def _under_load(
    stack: Beside, subject: Subject, services: Mapping[str, str], plan: Plan
) -> tuple[Window, Rates, Result]:
    stack.settled(subject)
    with Load(stack.of(subject), plan.shape, stack.lab) as load:
        stay(WARM_UP_SECONDS)
        stack.settled(subject)
        units = _units(stack, services)
        before = units.read()
        window = stay(plan.seconds)
        used = rates(before, units.read(), services)
        stack.settled(subject)
    return window, used, load.result


def _used(stack: Beside, services: Mapping[str, Mapping[str, str]], seconds: float) -> dict[str, Rates]:
    """Of all apps at once, by their names."""
    looked = [(name, each, _units(stack, each)) for name, each in services.items()]
    before = [units.read() for _, _, units in looked]
    stay(seconds)
    return {
        name: rates(first, units.read(), each)
        for (name, each, units), first in zip(looked, before, strict=True)
    }


def _units(stack: Beside, services: Mapping[str, str]) -> Units:
    return Units(stack.lab, tuple(f"{service}.service" for service in services.values()))
