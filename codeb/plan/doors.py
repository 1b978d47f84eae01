"""Who of a stack is let in where: servers at Vultr by their private network, whoever of them is there; others by address.

So a server that comes or goes changes nothing on those that stay: no firewall, no Caddy, no data server. Nobody else is in
that network but the stack's balancer, which passes on what it is told to, and containers, whose packets leave with their
server's address: what they are not to reach, that server's own firewall keeps from them (`codeb.render.base`). PostgreSQL,
Redis and MinIO ask for passwords besides, as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from codeb.plan.types import Plan, ServerPlan


def private_network(plan: Plan) -> str | None:
    """The network of the stack's machines; None where it makes none."""
    return f"{plan.fleet.subnet}/{plan.fleet.subnet_mask}" if plan.fleet else None


def sources(plan: Plan, servers: Iterable[ServerPlan]) -> tuple[str, ...]:
    """What these servers' packets come from, for a firewall: networks and addresses, none within another."""
    network, given = private_network(plan), tuple(servers)
    if network is None or not any(_is_made(plan, server) for server in given):
        return tuple(dict.fromkeys(server.private_address for server in given))
    others = (server.private_address for server in given if not _is_made(plan, server))
    return tuple(dict.fromkeys((network, *(each for each in others if not _is_in(each, network)))))


def known(plan: Plan, server: ServerPlan) -> tuple[str, ...]:
    """Addresses of servers of the stack that are known to be no balancer: this one's own, and those that it did not make."""
    return tuple(
        each.private_address for each in plan.servers if each.name == server.name or not _is_made(plan, each)
    )


def _is_made(plan: Plan, server: ServerPlan) -> bool:
    """Whether it is at Vultr, in the private network."""
    return plan.fleet is not None and any(machine.server == server.name for machine in plan.fleet.machines)


def _is_in(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network)
    except ValueError:
        return False
