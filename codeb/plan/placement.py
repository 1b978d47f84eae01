"""Which servers a project runs on, and whether the stack has the servers that it needs.

Who comes first, in this order: a server that ran the project before keeps it; then servers with room for it, the most free
memory first; then servers of which nobody knows how much they have; then the full ones. Ties are broken by a hash of project
and server, so that neither the order of settings nor a server that comes or goes moves anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from codeb.model import Manifest, size_text
from codeb.plan.problems import PlanError, Problem
from codeb.plan.types import ProjectPlan, ServerPlan
from codeb.plan.workers import memory_of

_GIB: Final = 1 << 30
HOST_RESERVE: Final = _GIB
"""Bytes that a server needs for itself: system, Podman, Caddy."""
MONITORING_RESERVE: Final = 600 << 20
"""Bytes on top that a server with the role monitoring needs (`codeb.model.settings.monitoring`)."""
DATA_RESERVE: Final = 2 * _GIB
"""Bytes on top that PostgreSQL and MinIO need; the memory of Redis comes to it."""

_POOLS: Final = "codeb:pools"
_SERVERS: Final = "settings: codeb:servers"


def data_server(servers: Iterable[ServerPlan]) -> ServerPlan:
    """The one server with the data services.

    Raises:
        PlanError: there is none, or more than one.
    """
    found = [server for server in servers if server.has("data")]
    if len(found) != 1:
        cause = f"{len(found)} servers have the role data" if found else "no server has the role data"
        raise PlanError([Problem(_SERVERS, cause, "Give the role data to exactly one server.")])
    return found[0]


def check_edge(servers: Iterable[ServerPlan]) -> None:
    """Raise PlanError when no server would take requests from outside."""
    if not any(server.has("edge") for server in servers):
        raise PlanError(
            [Problem(_SERVERS, "no server has the role edge", "Give the role edge to one server.")]
        )


def check_watcher(servers: Iterable[ServerPlan]) -> None:
    """Raise PlanError when more than one server would watch the stack."""
    found = [server for server in servers if server.has("monitoring")]
    if len(found) > 1:
        cause = f"{len(found)} servers have the role monitoring"
        raise PlanError([Problem(_SERVERS, cause, "Give the role monitoring to one server.")])


def place(
    manifests: Iterable[Manifest],
    servers: Sequence[ServerPlan],
    before: Mapping[str, Iterable[str]],
    caches: int = 0,
) -> dict[str, tuple[str, ...]]:
    """Names of the servers that run each project, by id: of its pool, as many as it asks replicas for.

    One that asks for more than the pool has takes what comes: a server more is one replica more, and nobody's is moved.

    Args:
        before: the servers that ran each project in the previous run, by id.
        caches: bytes that the Redis instances of the data server may take.

    Raises:
        PlanError: every project whose pool has fewer servers than it asks for.
    """
    ordered = sorted(manifests, key=lambda each: (-memory_of(each), each.id))
    pools = {each.id: _pool(each, servers) for each in ordered}
    wanted = {each.id: each.servers.replicas.among(len(pools[each.id])) for each in ordered}
    few = [_too_few(each, len(pools[each.id])) for each in ordered if len(pools[each.id]) < wanted[each.id]]
    if few:
        raise PlanError(few)
    found = {
        each.id: _kept(each, pools[each.id], before.get(each.id, ()), wanted[each.id]) for each in ordered
    }
    free = {server.name: room(server, caches) for server in servers}
    for each in ordered:
        _take(free, each, found[each.id])
    for each in ordered:
        for _ in range(wanted[each.id] - len(found[each.id])):
            others = [server.name for server in pools[each.id] if server.name not in found[each.id]]
            found[each.id].append(min(others, key=lambda name: _worth(each, name, free[name])))
            _take(free, each, found[each.id][-1:])
    return {key: tuple(sorted(names)) for key, names in sorted(found.items())}


def room(server: ServerPlan, caches: int = 0) -> int | None:
    """Bytes that a server has for projects; None when nobody knows."""
    if server.memory is None:
        return None
    watcher = MONITORING_RESERVE if server.has("monitoring") else 0
    return server.memory - HOST_RESERVE - (DATA_RESERVE + caches if server.has("data") else 0) - watcher


def crowded_pools(
    projects: Iterable[ProjectPlan], servers: Iterable[ServerPlan], caches: int = 0
) -> Iterator[str]:
    """One sentence for each pool, or else for each server, whose projects' limits add up to more than it has.

    It is no error: limits are there for peaks, and hardly all projects have theirs at once.
    """
    limits = {server.name: 0 for server in servers}
    for project in projects:
        for name in project.servers:
            limits[name] += memory_of(project.manifest)
    apps = [server for server in servers if server.has("app")]
    for pool in sorted({server.pool for server in apps}):
        members = [server for server in apps if server.pool == pool]
        rooms = {server.name: left for server in members if (left := room(server, caches)) is not None}
        asked, there = sum(limits[name] for name in rooms), sum(rooms.values())
        if len(rooms) == len(members) and asked > there:
            yield _crowded(f"pool {pool}", asked, there, "raise its count or plan")
            continue
        for name, left in sorted(rooms.items()):
            if limits[name] > left:
                yield _crowded(
                    f"server {name} of pool {pool}", limits[name], left, "give the pool a larger plan"
                )


def _crowded(who: str, asked: int, there: int, remedy: str) -> str:
    return (
        f"{who}: resources.memory of its projects adds up to {_size(asked)}, and it has room for {_size(max(there, 0))}. "
        f"If all of them need theirs at once, some are killed: {remedy} in {_POOLS}, or lower limits that are larger "
        "than needed."
    )


def _size(amount: int) -> str:
    return size_text(amount - amount % (1 << 20))


def _pool(manifest: Manifest, servers: Iterable[ServerPlan]) -> list[ServerPlan]:
    return [server for server in servers if server.has("app") and server.pool == manifest.servers.pool]


def _kept(manifest: Manifest, pool: Iterable[ServerPlan], before: Iterable[str], most: int) -> list[str]:
    ran = {server.name for server in pool} & set(before)
    return sorted(ran, key=lambda name: _rank(manifest.id, name))[:most]


def _take(free: dict[str, int | None], manifest: Manifest, names: Iterable[str]) -> None:
    for name in names:
        left = free[name]
        free[name] = None if left is None else left - memory_of(manifest)


def _worth(manifest: Manifest, server: str, free: int | None) -> tuple[int, int, bytes]:
    rank = _rank(manifest.id, server)
    if free is None:
        return 1, 0, rank
    return (0 if free >= memory_of(manifest) else 2), -free, rank


def _rank(project_id: str, server: str) -> bytes:
    return hashlib.sha256(f"{project_id}/{server}".encode()).digest()


def _too_few(manifest: Manifest, found: int) -> Problem:
    pool = manifest.servers.pool
    where = f"{manifest.id}: servers"
    if not found:
        return Problem(
            where,
            f"no server with role app belongs to pool {pool!r}",
            "Name another pool in servers.pool, or add a server with this pool to codeb:servers or codeb:pools.",
        )
    return Problem(
        where,
        f"{manifest.servers.replicas.least} replicas, but pool {pool!r} has {found} servers with role app",
        "Ask for fewer replicas, or add servers to the pool in codeb:servers or codeb:pools.",
    )
