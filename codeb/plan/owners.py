"""Who has a host name or a port, found by the name or port itself: looking at everybody for everybody's sake costs by the
square of their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from codeb.model.hosts import wildcard_over

Place = tuple[str, int]
"""A pool and one of its ports."""


@dataclass
class Shared:
    """What somebody has of what was asked about."""

    names: set[str] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)


class Owners:
    """The names and ports of projects; the same one may be several projects'."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._below: dict[str, list[str]] = {}
        self._places: dict[Place, list[str]] = {}

    def add(self, owner: str, names: Iterable[str], places: Iterable[Place] = ()) -> None:
        """`owner` has these, too."""
        for name in names:
            self._names.setdefault(name, []).append(owner)
            if over := wildcard_over(name):
                self._below.setdefault(over, []).append(owner)
        for place in places:
            self._places.setdefault(place, []).append(owner)

    def of_name(self, name: str) -> Iterator[str]:
        """Whoever somebody may come to by this name: by the same one, by a wildcard over it, or by one below it."""
        yield from self._names.get(name, ())
        over = wildcard_over(name)
        yield from self._names.get(over, ()) if over else self._below.get(name, ())

    def shared(self, names: Iterable[str], places: Iterable[Place]) -> dict[str, Shared]:
        """What each owner has of these, the owners in order of id."""
        found: dict[str, Shared] = {}
        for name in names:
            for owner in self.of_name(name):
                found.setdefault(owner, Shared()).names.add(name)
        for place in places:
            for owner in self._places.get(place, ()):
                found.setdefault(owner, Shared()).places.add(place)
        return dict(sorted(found.items()))
