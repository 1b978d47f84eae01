"""Hand out ports and Redis indexes: sticky, independent of order, and never what somebody still holds or serves.

Who comes first: what a project held before in its pool (also one that left and keeps its data); then explicit ports of
a manifest, which replace what the project itself held but take a port only from one that is leaving; then the lowest
pair or index that is free and that nobody still serves, in order of project id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from codeb.model import Manifest
from codeb.plan.previous import Previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.values import FIRST_INDEX, LAST_INDEX, Ports, Slot

FIRST_PORT: Final = 3001  # 3000 is the development default and reserved
LAST_PORT: Final = 3999
PAIRS_PER_POOL: Final = (LAST_PORT - FIRST_PORT + 1) // 2


@dataclass(frozen=True)
class Request:
    """What one project asks for."""

    id: str
    pool: str
    explicit: Ports | None = None
    cache: bool = True
    dedicated: bool = False


@dataclass(frozen=True)
class Allocation:
    """Ports and Redis slots by project id."""

    ports: Mapping[str, Ports]
    slots: Mapping[str, Slot]


def request_of(manifest: Manifest) -> Request:
    """What this manifest asks for."""
    wanted = manifest.servers.ports
    return Request(
        id=manifest.project.id,
        pool=manifest.servers.pool,
        explicit=Ports(wanted.app, wanted.internal) if wanted else None,
        cache=manifest.resources.cache.enabled,
        dedicated=manifest.resources.cache.dedicated is not None,
    )


def allocate(requests: Iterable[Request], previous: Previous) -> Allocation:
    """Ports and a Redis index for each request.

    `previous` holds what is taken: by projects that are still here, by retained ones, whose ports and indexes nobody
    else gets, and by those that are leaving. An index stays with its project while that has no use for it.

    Raises:
        PlanError: ports that two projects claim, or a pool without a free pair; names every one.
    """
    ordered = sorted(requests, key=lambda request: request.id)
    ports, problems = _ports(ordered, previous)
    if problems:
        raise PlanError(problems)
    return Allocation(ports, _slots(ordered, previous))


@dataclass
class _Pool:
    """The ports of one pool while they are handed out."""

    holders: dict[int, str] = field(default_factory=dict)
    served: dict[int, str] = field(default_factory=dict)
    """Ports with somebody who may still be using them in this run."""

    def conflict(self, ports: Ports) -> tuple[int, str] | None:
        """The first of these ports that somebody holds, and who."""
        for port in ports.both:
            if port in self.holders:
                return port, self.holders[port]
        return None

    def take(self, project: str, ports: Ports) -> None:
        self.holders |= {ports.app: project, ports.internal: project}


def _ports(ordered: list[Request], previous: Previous) -> tuple[dict[str, Ports], list[Problem]]:
    pools: dict[str, _Pool] = {}
    ports: dict[str, Ports] = {}
    problems: list[Problem] = []
    present = {request.id for request in ordered}
    for holding in previous.values():
        for pool, port in holding.serves.places | holding.places:
            pools.setdefault(pool, _Pool()).served[port] = holding.id
        if holding.id not in present and holding.stays and holding.ports:
            pools.setdefault(holding.pool, _Pool()).take(holding.id, holding.ports)
    _keep(ordered, previous, pools, ports, moved=False)
    _place_explicit(ordered, pools, ports, problems)
    _keep(ordered, previous, pools, ports, moved=True)
    free = {pool: _free_pairs(pools.setdefault(pool, _Pool())) for pool in {r.pool for r in ordered}}
    for request in ordered:
        if request.explicit or request.id in ports:
            continue
        pair = next(free[request.pool], None)
        if pair is None:
            problems.append(_full(request))
        else:
            pools[request.pool].take(request.id, pair)
            ports[request.id] = pair
    return ports, problems


def _keep(
    ordered: list[Request],
    previous: Previous,
    pools: dict[str, _Pool],
    ports: dict[str, Ports],
    *,
    moved: bool,
) -> None:
    """Give projects without explicit ports what they had; `moved`: those that come from another pool."""
    for request in ordered:
        held = previous.get(request.id)
        if request.explicit or not held or not held.ports or (held.pool != request.pool) != moved:
            continue
        pool = pools.setdefault(request.pool, _Pool())
        used = any(pool.served.get(port, request.id) != request.id for port in held.ports.both)
        if not pool.conflict(held.ports) and not (moved and used):
            pool.take(request.id, held.ports)
            ports[request.id] = held.ports


def _place_explicit(
    ordered: list[Request], pools: dict[str, _Pool], ports: dict[str, Ports], problems: list[Problem]
) -> None:
    explicit = {request.id for request in ordered if request.explicit}
    for request in ordered:
        if not request.explicit:
            continue
        pool = pools.setdefault(request.pool, _Pool())
        conflict = pool.conflict(request.explicit)
        if conflict:
            problems.append(_taken(request, *conflict, also_explicit=conflict[1] in explicit))
        else:
            pool.take(request.id, request.explicit)
            ports[request.id] = request.explicit


def _free_pairs(pool: _Pool) -> Iterator[Ports]:
    for app in range(FIRST_PORT, LAST_PORT, 2):
        pair = Ports(app, app + 1)
        if not pool.conflict(pair) and pool.served.keys().isdisjoint(pair.both):
            yield pair


def _slots(ordered: list[Request], previous: Previous) -> dict[str, Slot]:
    wanting = [
        request
        for request in ordered
        if request.cache and (not request.dedicated or _has_slot(request, previous))
    ]
    slots = {request.id: held.slot for request in wanting if (held := previous.get(request.id)) and held.slot}
    taken = {held.slot for held in previous.values() if held.slot}
    free = (slot for slot in _all_slots() if slot not in taken)
    return slots | {request.id: next(free) for request in wanting if request.id not in slots}


def _has_slot(request: Request, previous: Previous) -> bool:
    """Whether the project has an index, which it keeps beside an instance of its own."""
    held = previous.get(request.id)
    return held is not None and held.slot is not None


def _all_slots() -> Iterator[Slot]:
    instance = 0
    while True:
        yield from (Slot(instance, index) for index in range(FIRST_INDEX, LAST_INDEX + 1))
        instance += 1


def _taken(request: Request, port: int, holder: str, *, also_explicit: bool) -> Problem:
    how = "asks for it too" if also_explicit else "holds it since an earlier run"
    return Problem(
        f"{request.id}: servers.ports",
        f"port {port} of pool {request.pool!r} is taken: {holder} {how}",
        f"Choose other ports for {request.id} or for {holder}, or leave them out to get a free pair.",
    )


def _full(request: Request) -> Problem:
    return Problem(
        f"{request.id}: servers.pool",
        f"pool {request.pool!r} is full: ports {FIRST_PORT}-{LAST_PORT} make {PAIRS_PER_POOL} pairs",
        "Add a server with another pool to codeb:servers and name that pool in servers.pool of the manifest "
        "(1000 projects need three pools), or let go of retained projects (lifecycle: destroy).",
    )
