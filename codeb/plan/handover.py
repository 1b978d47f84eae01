"""What running projects hand to one another in a run: host names and ports, in which order, and what can't be done.

Whoever gives something up is released first, so that a failure leaves both with what they had; in a ring somebody
has to begin. The hosts see to the rest (docs/releases.md#hand-overs): a name goes on being answered until it is taken, and
a new container starts on the port of its pair that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from codeb.model.hosts import is_wildcard, wildcard_over
from codeb.plan.previous import Previous
from codeb.plan.problems import Problem
from codeb.plan.values import Ports

Port = tuple[str, int]
"""A pool and one of its ports."""


@dataclass(frozen=True)
class Wish:
    """What one project is to have after this run: its host names and its two ports."""

    id: str
    names: frozenset[str]
    pool: str
    ports: Ports

    @property
    def places(self) -> frozenset[Port]:
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
    wanted = {wish.id: wish for wish in wishes}
    givers = {wish.id: _givers(wish, wanted, previous) for wish in wanted.values()}
    order = [_in_turn(group, givers) for group in _groups(givers)]
    before = {later: earlier for chain in order for earlier, later in pairwise(chain)}
    ranks = {key: rank for chain in order for rank, key in enumerate(chain)}
    problems = [p for key in sorted(wanted) for p in _problems(wanted[key], ranks, wanted, previous)]
    ceded = {key: names for key in sorted(wanted) if (names := _ceded(wanted[key], wanted, previous))}
    notes = [note for key in sorted(wanted) for note in _notes(wanted[key], previous)]
    return HandOvers(before, ceded, tuple(problems), tuple(notes))


def _notes(wish: Wish, previous: Previous) -> Iterator[str]:
    for held in sorted(previous.values(), key=lambda held: held.id):
        if held.id == wish.id:
            continue
        taken = sorted(_common(wish.names, held.serves.names))
        taken += [f"port {port}" for _, port in sorted(wish.places & held.serves.places)]
        if taken:
            yield f"{wish.id} takes over from {held.id}: {', '.join(taken)}."


def _givers(wish: Wish, wanted: Mapping[str, Wish], previous: Previous) -> frozenset[str]:
    """Projects that stay and still serve something that `wish` is to have."""
    return frozenset(
        held.id
        for held in previous.values()
        if held.id in wanted and held.id != wish.id
        if _common(wish.names, held.serves.names) or wish.places & held.serves.places
    )


def _common(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Those of the names by which somebody comes who comes by one of the others, too."""
    if not _wide(some) and not _wide(others):
        return some & others
    over = {wildcard_over(name) for name in others} if _wide(some) else set()
    return frozenset(name for name in some if {name, wildcard_over(name)} & others or name in over)


@cache
def _wide(names: frozenset[str]) -> bool:
    """Whether there is a wildcard among them; asked for each pair of projects."""
    return any(map(is_wildcard, names))


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
    while left:
        ready = sorted(key for key in left if not givers[key] & left)
        following = ready[0] if ready else min(key for key in left if _in_ring(key, left, givers))
        order.append(following)
        left.remove(following)
    return order


def _in_ring(key: str, left: set[str], givers: Mapping[str, frozenset[str]]) -> bool:
    """Whether following givers from here leads back here."""
    seen, edge = set[str](), givers[key] & left
    while edge:
        seen |= edge
        edge = frozenset(giver for one in edge for giver in givers[one] & left) - seen
    return key in seen


def _problems(
    wish: Wish, ranks: Mapping[str, int], wanted: Mapping[str, Wish], previous: Previous
) -> Iterator[Problem]:
    """A pair is free enough when one project at most can be serving on it: it serves on one of two ports."""
    own = previous.get(wish.id)
    if own is not None and own.serves.places == wish.places:
        return
    unmoved = {
        held.id: held.serves.places & wish.places
        for held in previous.values()
        if held.id == wish.id or ranks.get(held.id, -1) > ranks.get(wish.id, -1) or held.id not in wanted
    }
    holders = sorted(key for key, places in unmoved.items() if places)
    if len(holders) > 1:
        told = " and ".join("itself" if key == wish.id else key for key in holders)
        yield Problem(
            f"{wish.id}: servers.ports",
            f"{wish.ports} are still used by {told}",
            "Move one of them to free ports first and deploy, or leave servers.ports out to get a free pair.",
        )


def _ceded(wish: Wish, wanted: Mapping[str, Wish], previous: Previous) -> tuple[str, ...]:
    held = previous.get(wish.id)
    if held is None:
        return ()
    others = frozenset(name for other in wanted.values() if other.id != wish.id for name in other.names)
    return tuple(sorted(_common(held.serves.names | held.ceded, others)))
