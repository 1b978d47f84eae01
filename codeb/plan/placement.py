"""Which servers a project runs on, and whether the stack has the servers that it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from codeb.model import Manifest, Settings
from codeb.plan.problems import PlanError, Problem
from codeb.plan.types import ServerPlan

_SERVERS = "settings: codeb:servers"


def servers_of(settings: Settings) -> tuple[ServerPlan, ...]:
    """The stack's servers in the order of the settings."""
    return tuple(
        ServerPlan(
            name=server.name,
            address=server.address,
            private_address=server.private_address,
            ssh_port=server.ssh_port,
            user=server.user,
            roles=tuple(server.roles),
            pool=server.pool,
        )
        for server in settings.servers
    )


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


def place(manifest: Manifest, servers: Sequence[ServerPlan], before: Iterable[str]) -> tuple[str, ...]:
    """Names of the servers of the manifest's pool that run the project, as many as it asks replicas for.

    Servers that ran it `before` keep it. The others are ranked by a hash of project and server, so that a
    server that comes or goes moves no project that it does not have to.

    Raises:
        PlanError: the pool has fewer servers than the project asks for.
    """
    wanted, pool = manifest.servers, [s for s in servers if s.has("app") and s.pool == manifest.servers.pool]
    if len(pool) < wanted.replicas:
        raise PlanError([_too_few(manifest, len(pool))])
    kept = set(before)
    ranked = sorted(pool, key=lambda s: (s.name not in kept, _rank(manifest.project.id, s.name)))
    return tuple(sorted(server.name for server in ranked[: wanted.replicas]))


def _rank(project_id: str, server: str) -> bytes:
    return hashlib.sha256(f"{project_id}/{server}".encode()).digest()


def _too_few(manifest: Manifest, found: int) -> Problem:
    pool = manifest.servers.pool
    where = f"{manifest.project.id}: servers"
    if not found:
        return Problem(
            where,
            f"no server with role app belongs to pool {pool!r}",
            "Name another pool in servers.pool, or add a server with this pool to codeb:servers.",
        )
    return Problem(
        where,
        f"{manifest.servers.replicas} replicas, but pool {pool!r} has {found} servers with role app",
        "Ask for fewer replicas, or add servers to the pool in codeb:servers.",
    )
