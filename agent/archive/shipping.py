"""One round of shipping: from the spool into every store that takes it, and from one store to those that are behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.archive import segments, spool, tail
from agent.archive.copies import copied
from agent.archive.depot import Depot
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.settings import HERE

_COPIES = 4
"""Segments that a store which is behind gets in one round: the newest bytes come first."""
_TOLD = 10_000
_SET_BACK = (
    "the cluster was set back (a snapshot?), and no moment since is in the archive: see docs/archive.md"
)


class Shipper:
    """Ships the WAL of one cluster."""

    def __init__(self, ports: Ports, depots: Sequence[Depot], system: str, most_spool: int) -> None:
        self.depots = tuple(depots)
        self.strange = ""
        self._set_back = False
        self._ports, self._system, self._most_spool = ports, system, most_spool
        self._told: list[tuple[int, datetime]] = []

    def tell(self, lsn: int, now: datetime) -> None:
        """Up to this position (LSN) WAL has all that was committed by then, and a transaction that ended after it.

        Without that one, recovery to the moment would find no end: PostgreSQL stops at the first transaction that is later.
        """
        self._told.append((lsn, now))

    def round(self) -> None:
        """Ship what there is. What a store refuses is its depot's problem; raises Failed when the spool can't be written."""
        # Looked at first: whatever is finished while this goes on comes after it, and what came before it is finished now.
        under_way = spool.under_way(self._ports, self._system)
        spool.settle(self._ports)
        for timeline in spool.histories(self._ports):
            self._hand_over(timeline)
        for whole in spool.ready(self._ports):
            if not self._hand_over(whole):
                break
        if self._set_back:
            return
        for depot in self.depots:
            if under_way is not None and depot.send_tail(under_way) and not self._owed(depot):
                self._mark(depot)
        self._catch_up()

    def _hand_over(self, what: segments.Segment | int) -> bool:
        """Whether a store has it now. It leaves the spool once nobody has to get it from there any more."""
        content = self._ports.files.read(spool.path(what))
        if content is None:
            return True
        if not isinstance(what, int) and (
            len(content) != segments.SIZE or tail.system(what, content) != self._system
        ):
            self.strange = f"{spool.path(what)} is no segment of this cluster's WAL"
            self._ports.files.remove(spool.path(what))
            return True
        if not isinstance(what, int) and any(depot.has_another(what, content) for depot in self.depots):
            self.strange = f"{what} is another one than was stored by that name: {_SET_BACK}"
            self._set_back = True
            return False
        taken = [depot for depot in self.depots if depot.send(what, content)]
        if self._may_leave(taken):
            self._ports.files.remove(spool.path(what))
        return bool(taken)

    def _may_leave(self, taken: Sequence[Depot]) -> bool:
        """From the store on this host the others get it later; what only others have stays while there is room."""
        if len(taken) == len(self.depots) or any(depot.store.name == HERE for depot in taken):
            return True
        return bool(taken) and spool.size(self._ports) > self._most_spool // 2

    def _owed(self, depot: Depot) -> list[segments.Segment | int]:
        """What others have, or the spool, and this store hasn't."""
        known: set[segments.Segment | int] = {*spool.ready(self._ports), *spool.histories(self._ports)}
        for other in self.depots:
            if other.store.name == HERE:
                known |= {*other.wal.segments, *other.wal.histories}
        return sorted((each for each in known if not depot.has(each)), key=str)

    def _mark(self, depot: Depot) -> None:
        reached = [now for lsn, now in self._told if lsn <= depot.covered]
        if reached:
            depot.reached = max(reached)
        least = min(each.covered for each in self.depots)
        done = [moment for moment in self._told if moment[0] <= least]
        self._told = [moment for moment in self._told if moment not in done[:-1]][-_TOLD:]

    def _catch_up(self) -> None:
        """Bring a few segments to stores that took none for a while."""
        source = next((depot for depot in self.depots if depot.store.name == HERE and depot.ready()), None)
        for depot in self.depots:
            if source is None or depot is source or not depot.ready():
                continue
            for what in [each for each in self._owed(depot) if source.has(each)][:_COPIES]:
                try:
                    key = segments.key(self._system, what)
                    copied(self._ports, source.store.place, depot.store.place, [key])
                except StoreError as error:
                    depot.failed(str(error))
                    break
                depot.added(what)
