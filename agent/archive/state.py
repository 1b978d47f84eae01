"""What is known of the archive (`/var/lib/codeb/archive.json`), for whoever reports: nobody else is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.archive.cluster import Facts
from agent.archive.depot import Depot
from agent.host import paths
from agent.host.ports import Ports

LATE_S: Final = 60
"""What would be lost with the disk may be so many seconds old; more is a problem."""


@dataclass(frozen=True)
class State:
    """How things were at `at`. `reached` says per store up to which moment everything was in it; `told` whether
    somebody knows that it is late. `behind` and `spool` in bytes."""

    at: datetime
    system: str
    slot: str
    behind: int
    spool: int
    problem: str
    reached: Mapping[str, datetime | None]
    told: bool = False

    @classmethod
    def of(
        cls,
        ports: Ports,
        facts: Facts,
        size: int,
        problem: str,
        depots: Sequence[Depot],
        before: Mapping[str, datetime | None],
    ) -> State:
        """What is known now; of a store that has got nothing since the start what was known `before`."""
        reached = {each.store.name: each.reached or before.get(each.store.name) for each in depots}
        return cls(ports.clock.now(), facts.system, facts.slot, facts.behind, size, problem, reached)

    def late(self, now: datetime) -> str:
        """Why more than a minute would be lost with this disk, "" when it wouldn't."""
        best = max((moment for moment in self.reached.values() if moment is not None), default=None)
        if best is None:
            return self.problem or "nothing has been shipped yet"
        seconds = (now - best).total_seconds()
        if seconds <= LATE_S:
            return ""
        return f"the archive ends {seconds:.0f} s ago: {self.problem or 'nothing is shipped any more'}"


def save(ports: Ports, state: State) -> None:
    """Raises Unwritable."""
    document = {
        "version": 1,
        "at": state.at.isoformat(),
        "system": state.system,
        "slot": state.slot,
        "behind": state.behind,
        "spool": state.spool,
        "problem": state.problem,
        "reached": {name: moment and moment.isoformat() for name, moment in state.reached.items()},
        "told": state.told,
    }
    ports.files.write(paths.ARCHIVE_STATE, json.dumps(document, indent=1).encode(), 0o600)


def load(ports: Ports) -> State | None:
    """None on a host without an archive, and when what is written there can't be read."""
    content = ports.files.read(paths.ARCHIVE_STATE)
    try:
        found = json.loads(content or b"")
        return State(
            at=datetime.fromisoformat(found["at"]),
            system=str(found["system"]),
            slot=str(found["slot"]),
            behind=int(found["behind"]),
            spool=int(found["spool"]),
            problem=str(found["problem"]),
            reached={
                name: datetime.fromisoformat(moment) if moment else None
                for name, moment in found["reached"].items()
            },
            told=found["told"] is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
