"""The benchmark's phases: does the detector work, then steady load and releases in turns, at last a rollback."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.bench.releases import rollback
from lab.bench.releases.stack import BenchError, Stack
from lab.bench.releases.verdict import Release, Seen
from lab.load import Load, Shape
from lab.load.samples import Window
from lab.load.streams import Moment

WARM_UP_SECONDS = 10
SETTLE_SECONDS = 5
# Between two releases, so that a machine that is slower for a minute is so for both sides of the comparison.
STEADY_BETWEEN_SECONDS = 4
# How long the self-check takes the app away: longer than Caddy tries to reach an app (3 s).
OUTAGE_SECONDS = 6


@dataclass(frozen=True)
class Plan:
    """How much to do."""

    releases: int
    shape: Shape
    steady_seconds: float
    rollback_by: str


def self_check(stack: Stack) -> dict[str, int]:
    """Take the app away under a small load; return what was noticed. Raises BenchError when anything was not."""
    shape = Shape(rate=40, sockets=5, events=2, upload_seconds=4, longest="3m")
    since, colour = time.time(), stack.wait_until_serving()["colour"]
    with Load(stack.target, shape, stack.lab) as load:
        time.sleep(2)
        stack.systemctl("stop", colour)
        time.sleep(OUTAGE_SECONDS)
        stack.systemctl("start", colour)
        stack.wait_until_serving()
        time.sleep(2)
    serving = [Moment(since, colour)]
    kinds = {one.kind for one in load.result.requests if one.wrong}
    found = {
        "failed requests": sum(1 for one in load.result.requests if one.wrong),
        "kinds of traffic that failed": len(kinds),
        "streams that could not be opened": len(load.result.troubles),
        "dropped streams": len(load.result.drops(stack.stops(since), serving)),
    }
    missed = [what for what, count in found.items() if count == 0]
    if missed or found["dropped streams"] < shape.sockets + shape.events:
        raise BenchError(f"the app was away and the load noticed too little: {found}")
    return found


def measure(stack: Stack, plan: Plan, tell: Callable[[str], None]) -> Seen:
    """Load, releases, rollback. Raises BenchError when a release fails or does not serve what it should."""
    since = time.time()
    serving = [Moment(since, stack.wait_until_serving()["colour"])]
    releases: list[Release] = []
    with Load(stack.target, plan.shape, stack.lab) as load:
        time.sleep(WARM_UP_SECONDS)
        tell(f"steady load for {plan.steady_seconds:.0f} s")
        steady = [stay(plan.steady_seconds)]
        for number in range(1, plan.releases + 1):
            release = _release(stack, number)
            releases.append(release)
            serving.append(Moment(release.ended, release.colour))
            seconds = release.ended - release.began
            tell(f"release {number}: {release.tag} on {release.colour} in {seconds:.1f} s")
            time.sleep(SETTLE_SECONDS)
            steady.append(stay(STEADY_BETWEEN_SECONDS))
        tell(f"steady load for {plan.steady_seconds:.0f} s")
        steady.append(stay(plan.steady_seconds))
        back = rollback.measure(stack, plan.rollback_by, stack.tag(plan.releases - 1))
        serving.append(Moment(time.time(), stack.wait_until_serving()["colour"]))
        time.sleep(SETTLE_SECONDS)
    return Seen(load.result, steady, releases, stack.stops(since), serving, back)


def stay(seconds: float) -> Window:
    """Let time pass; the window that it was."""
    began = time.time()
    time.sleep(seconds)
    return began, time.time()


def _release(stack: Stack, number: int) -> Release:
    began = time.time()
    stack.release(number)
    ended = time.time()
    serving = stack.wait_until_serving()
    if serving["version"] != stack.tag(number):
        raise BenchError(f"release {number} ended well, but {serving['version']} serves")
    return Release(number, stack.tag(number), began, ended, serving["colour"])
