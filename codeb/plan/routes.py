"""How requests travel: which edges reach a project through whom. A project's edges are all edges of the stack.

An edge sends to the *inner* door of each server that runs the project: the Caddy there knows which release serves. Where
an edge is the only one and has the only replica there is nothing to send on, and no door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from codeb.plan.doors import sources
from codeb.plan.types import Plan, ProjectPlan, ServerPlan

INNER_PORT: Final = 8100
_HERE: Final = "127.0.0.1"


@dataclass(frozen=True)
class Outer:
    """What visitors meet on an edge. `replicas` are the doors to knock at, the nearest first; none where the app is behind
    this very site. `near`: the first is on this server."""

    replicas: tuple[str, ...]
    near: bool


def edges(plan: Plan) -> tuple[ServerPlan, ...]:
    """The servers that take requests from outside, in their order."""
    return tuple(server for server in plan.servers if server.has("edge"))


def has_inner(plan: Plan, server: ServerPlan) -> bool:
    """Whether the server may have to let edges in, itself included: it runs projects and isn't alone in taking requests
    and running them."""
    others = [other for other in plan.servers if other.name != server.name]
    return server.has("app") and any(other.has("app") or other.has("edge") for other in others)


def callers(plan: Plan, server: ServerPlan) -> tuple[str, ...]:
    """Where those come from that knock at this one's inner door: addresses and networks."""
    return sources(plan, [edge for edge in edges(plan) if edge.name != server.name])


def is_behind_inner(plan: Plan, project: ProjectPlan, server: ServerPlan) -> bool:
    """Whether the project on this server, which runs it, is reached through the inner door by anyone."""
    return project.servers != (server.name,) or any(edge.name != server.name for edge in edges(plan))


def outer(plan: Plan, project: ProjectPlan, server: ServerPlan) -> Outer | None:
    """What visitors of the project meet on this server, None where they don't come."""
    if not server.has("edge"):
        return None
    if project.servers == (server.name,):
        return Outer((), near=True)
    near = server.name in project.servers
    doors = [
        _HERE if name == server.name else plan.server(name).private_address
        for name in _from(project.servers, server.name)
    ]
    return Outer(tuple(f"{door}:{INNER_PORT}" for door in doors), near)


def routed(plan: Plan, project: ProjectPlan) -> tuple[ServerPlan, ...]:
    """The edges that don't run the project: they get nothing of it but its site."""
    return tuple(edge for edge in edges(plan) if edge.name not in project.servers)


def _from(servers: Sequence[str], first: str) -> tuple[str, ...]:
    """The servers in a ring that begins at `first`, so that each one's visitors fall to another when it is down."""
    start = servers.index(first) if first in servers else 0
    return (*servers[start:], *servers[:start])
