"""What running projects hand to one another in a run: host names and ports, in which order, and what can't be done.

Whoever gives something up is released first, so that a failure leaves both with what they had; in a ring somebody
has to begin. The hosts see to the rest (docs/releases.md#hand-overs): a name goes on being answered until it is taken, and
a new container starts on the port of its pair that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from codeb.plan.held import Holding
from codeb.plan.owners import Owners, Place, Shared
from codeb.plan.previous import Previous
from codeb.plan.problems import Problem
from codeb.plan.values import Ports


@dataclass(frozen=True)
class Wish:
    """What one project is to have after this run: its host names and its two ports."""

    id: str
    names: frozenset[str]
    pool: str
    ports: Ports

    @property
    def places(self) -> frozenset[Place]:
        """Its ports with their pool."""
        return frozenset({(self.pool, self.ports.app), (self.pool, self.ports.internal)})


@dataclass(frozen=True)
class HandOvers:
    """`before`: by project id, the project whose release must have ended first. `ceded`: by project id, the names
    that it gave up and others have since. Projects without are left out. `notes` say in words what changes hands."""

    before: Mapping[str, str]
    ceded: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def hand_overs(wishes: Iterable[Wish], previous: Previous) -> HandOvers:
    """The hand-overs between what still runs (`previous`) and what is wanted.

    Its problems are new ports that two others, or another and the project itself, may be using until they have moved.
    """
    wanted = {wish.id: wish for wish in sorted(wishes, key=lambda wish: wish.id)}
    serving, wishing = Owners(), Owners()
    for held in previous.values():
        serving.add(held.id, held.serves.names, held.serves.places)
    for wish in wanted.values():
        wishing.add(wish.id, wish.names)
    taken = {key: serving.shared(wish.names, wish.places) for key, wish in wanted.items()}
    givers = {key: frozenset(shared.keys() & wanted.keys()) - {key} for key, shared in taken.items()}
    order = [_in_turn(group, givers) for group in _groups(givers)]
    before = {later: earlier for chain in order for earlier, later in pairwise(chain)}
    ranks = {key: rank for chain in order for rank, key in enumerate(chain)}
    problems = [
        problem
        for key, wish in wanted.items()
        for problem in _problems(wish, taken[key], ranks, wanted, previous.get(key))
    ]
    ceded = {key: names for key in wanted if (names := _ceded(previous.get(key), wishing))}
    notes = [note for key, shared in taken.items() for note in _notes(key, shared)]
    return HandOvers(before, ceded, tuple(problems), tuple(notes))


def _notes(taker: str, taken: Mapping[str, Shared]) -> Iterator[str]:
    """Of what is `taken`, by the project that still serves it."""
    for giver, shared in taken.items():
        if giver != taker:
            said = [*sorted(shared.names), *(f"port {port}" for _, port in sorted(shared.places))]
            yield f"{taker} takes over from {giver}: {', '.join(said)}."


def _groups(givers: Mapping[str, frozenset[str]]) -> Iterator[list[str]]:
    """Projects that hand something to one another, directly or through others; those that don't are in none."""
    near: dict[str, set[str]] = {}
    for taker, found in givers.items():
        for giver in found:
            near.setdefault(taker, set()).add(giver)
            near.setdefault(giver, set()).add(taker)
    left = set(near)
    while left:
        group, edge = set[str](), {min(left)}
        while edge:
            group |= edge
            edge = {other for key in edge for other in near[key]} - group
        left -= group
        yield sorted(group)


def _in_turn(group: list[str], givers: Mapping[str, frozenset[str]]) -> list[str]:
    """Givers before takers; where a ring leaves nobody to begin, the first id of a ring does."""
    order: list[str] = []
    left = set(group)
    takers: dict[str, list[str]] = {key: [] for key in group}
    for taker in group:
        for giver in givers[taker]:
            takers[giver].append(taker)
    ready = [key for key in group if not givers[key]]  # of a sorted list: a heap already
    while left:
        following = heappop(ready) if ready else next(k for k in sorted(left) if _in_ring(k, left, givers))
        order.append(following)
        left.remove(following)
        for taker in takers[following]:
            if taker in left and not givers[taker] & left:
                heappush(ready, taker)
    return order


def _in_ring(key: str, left: set[str], givers: Mapping[str, frozenset[str]]) -> bool:
    """Whether following givers from here leads back here."""
    seen, edge = set[str](), givers[key] & left
    while edge:
        seen |= edge
        edge = frozenset(giver for one in edge for giver in givers[one] & left) - seen
    return key in seen


def _problems(
    wish: Wish,
    taken: Mapping[str, Shared],
    ranks: Mapping[str, int],
    wanted: Mapping[str, Wish],
    own: Holding | None,
) -> Iterator[Problem]:
    """A pair is free enough when one project at most can be serving on it: it serves on one of two ports."""
    if own is not None and own.serves.places == wish.places:
        return
    mine = ranks.get(wish.id, -1)
    holders = [
        key
        for key, shared in taken.items()
        if shared.places and (key == wish.id or key not in wanted or ranks.get(key, -1) > mine)
    ]
    if len(holders) > 1:
        told = " and ".join("itself" if key == wish.id else key for key in holders)
        yield Problem(
            f"{wish.id}: servers.ports",
            f"{wish.ports} are still used by {told}",
            "Move one of them to free ports first and deploy, or leave servers.ports out to get a free pair.",
        )


def _ceded(held: Holding | None, wishing: Owners) -> tuple[str, ...]:
    """Names that the project has, or gave up earlier, by which visitors are to come to another one."""
    if held is None:
        return ()
    known = held.serves.names | held.ceded
    return tuple(sorted(name for name in known if any(key != held.id for key in wishing.of_name(name))))
