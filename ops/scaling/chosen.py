"""What was decided about a pool, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass

from codeb.model import Member
from codeb.scaling import Decision
from ops.scaling.pools import Group
from ops.words import clean


@dataclass(frozen=True)
class Chosen:
    """A pool and what was decided about it."""

    group: Group
    decision: Decision

    @property
    def acts(self) -> bool:
        """Whether a server comes or goes."""
        return self.decision.act != "hold"

    @property
    def moved(self) -> Member:
        """The server that comes or goes."""
        return self.group.next if self.decision.act == "add" else self.group.members[-1]

    @property
    def line(self) -> str:
        """In words."""
        before, after = len(self.group.members), self.decision.count
        what = f"{before} to {after} servers" if self.acts else f"{before} servers stay"
        return clean(f"pool {self.group.pool.name}: {what}: {self.decision.reason}")

    @property
    def remains(self) -> str:
        """What becomes of a step whose update failed: deletions come last, when the program has counted it as done."""
        name = self.group.pool.name
        if self.decision.act == "remove":
            return (
                f"pool {name}: where a server could not be deleted, it goes with the next update; what failed before is "
                "tried again after the cool-down"
            )
        count = len(self.group.members)
        return f"pool {name}: {count} servers count on; what was decided is tried again after the cool-down"

    @property
    def document(self) -> dict[str, object]:
        """For programs."""
        seen = self.decision.seen
        return {
            "pool": self.group.pool.name,
            "servers": list(self.group.servers),
            "act": self.decision.act,
            "count": self.decision.count,
            "reason": self.decision.reason,
            "load_percent": None if seen.load is None else round(seen.load, 1),
            "measured": list(seen.measured),
            "fresh": list(seen.fresh),
            "away": list(seen.away),
        }
