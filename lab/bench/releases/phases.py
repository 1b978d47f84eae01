"""The benchmark's phases: does the detector work, then steady load and releases in turns, at last a rollback."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.bench.releases.rollback import Rollback
from lab.bench.releases.stack import Stack
from lab.bench.releases.verdict import Release, Seen, joined
from lab.bench.releases.ways import BenchError, Way, wait_until_serving
from lab.host import Lab
from lab.load import Load, Shape
from lab.load.samples import Window
from lab.load.streams import Moment

WARM_UP_SECONDS = 10
SETTLE_SECONDS = 5
# Between two releases, so that a machine that is slower for a minute is so for both sides of the comparison.
STEADY_BETWEEN_SECONDS = 4
# How long the self-check takes the app away: longer than Caddy tries to reach an app (3 s).
OUTAGE_SECONDS = 6
# Ways are compared in rounds, for the same reason: the machine is not the same for half an hour.
ROUNDS = 3

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much to do."""

    releases: int
    shape: Shape
    steady_seconds: float


def self_check(stack: Stack, rate: int) -> dict[str, int]:
    """Take the app away under a small load, `rate` requests a second at most; return what was noticed.

    Raises BenchError when anything was not.
    """
    shape = Shape(min(rate, 40), sockets=5, events=2, upload_seconds=4).on(stack.target.surface)
    since, colour = time.time(), wait_until_serving(stack.target)["colour"]
    with Load(stack.target, shape, stack.lab) as load:
        time.sleep(2)
        stack.systemctl("stop", colour)
        time.sleep(OUTAGE_SECONDS)
        stack.systemctl("start", colour)
        wait_until_serving(stack.target)
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


def measure(
    way: Way, lab: Lab, plan: Plan, numbers: range, tell: Tell, back: Callable[[], Rollback] | None = None
) -> Seen:
    """Load on what serves, and these releases, at last the way `back`.

    Raises BenchError when a release fails or does not serve what it should.
    """
    since = time.time()
    serving = [Moment(since, wait_until_serving(way.target)["colour"])]
    releases: list[Release] = []
    with Load(way.target, plan.shape, lab) as load:
        time.sleep(WARM_UP_SECONDS)
        tell(f"steady load for {plan.steady_seconds:.0f} s")
        steady = [stay(plan.steady_seconds)]
        for number in numbers:
            release, certain = _release(way, number)
            serving.append(Moment(certain, release.colour))
            time.sleep(SETTLE_SECONDS)
            steady.append(stay(STEADY_BETWEEN_SECONDS))
            releases.append(release.between(*steady[-2:]))
            tell(f"release {number}: {release.tag} on {release.colour} in {release.seconds:.1f} s")
        tell(f"steady load for {plan.steady_seconds:.0f} s")
        steady.append(stay(plan.steady_seconds))
        rollback = back() if back else None
        if back:
            serving.append(Moment(time.time(), wait_until_serving(way.target)["colour"]))
            time.sleep(SETTLE_SECONDS)
    return Seen(load.result, steady, releases, way.stops(since), serving, rollback)


def compare(ways: Sequence[Way], lab: Lab, plan: Plan, tell: Tell) -> dict[str, Seen]:
    """The same load and releases of each way in turn, in rounds, each of which begins with another way."""
    found: dict[str, list[Seen]] = {way.name: [] for way in ways}
    rounds = min(ROUNDS, plan.releases)
    each = math.ceil(plan.releases / rounds)
    for turn in range(rounds):
        first = turn % len(ways)
        for way in (*ways[first:], *ways[:first]):
            tell(f"round {turn + 1} of {rounds}: {way.name}")
            before = turn * each
            with way.up(before):
                seen = measure(way, lab, plan, range(before + 1, before + each + 1), tell)
            found[way.name].append(seen)
    return {name: joined(seen) for name, seen in found.items()}


def stay(seconds: float) -> Window:
    """Let time pass; the window that it was."""
    began = time.time()
    time.sleep(seconds)
    return began, time.time()


def _release(way: Way, number: int) -> tuple[Release, float]:
    began = time.time()
    certain = way.release(number)
    ended = time.time()
    serves = wait_until_serving(way.target)
    if serves["version"] != way.tag(number):
        raise BenchError(f"release {number} of {way.name} ended well, but {serves['version']} serves")
    return Release(number, way.tag(number), began, ended, serves["colour"]), certain
