"""What settings that are right one by one do wrong together: servers, pools, roles, names, network, balancer."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from codeb.catalogue import catalogue
from codeb.model.addresses import collapsed, is_private
from codeb.model.problems import Location, refusal, shown
from codeb.model.settings.base import ROLES, Role
from codeb.model.settings.certificates import refuse_certificates
from codeb.model.settings.managed import refuse_managed
from codeb.model.settings.objects import refuse_objects
from codeb.model.settings.pool_faults import refuse_pool
from codeb.model.settings.pools import Pool
from codeb.model.settings.servers import refuse_shared

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings

_LONGEST_HOSTNAME: Final = 64
"""Characters that Linux takes, as sethostname(2) says."""
_OTHERS_IN_SUBNET: Final = 8
"""Addresses of the private network that are not servers': its own two, the gateway, the balancer's."""
_WEB_RULES: Final = 6
"""Of the firewall: HTTP, HTTPS and HTTP/3, IPv4 and IPv6."""
_EXAMPLE: Final = "{name: default, roles: [app, data, edge], plan: vc2-6c-16gb, dataDisk: 100Gi}"


def refuse_faults(settings: Settings) -> None:
    """Raise the refusal of the first thing that does not go together."""
    refuse_shared(settings.servers)
    _refuse_pools(settings)
    _refuse_names(settings)
    _refuse_roles(settings)
    _refuse_watchers(settings)
    _refuse_export(settings)
    refuse_certificates(settings)
    _refuse_previews(settings)
    refuse_managed(settings)
    refuse_objects(settings)
    if settings.vultr_pools:
        _refuse_network(settings)
        _refuse_balancer(settings)
        _refuse_administrators(settings)
    else:
        _refuse_idle(settings)


def _refuse_pools(settings: Settings) -> None:
    if settings.provider == "vultr" and not settings.vultr_pools:
        remedy = f"Write pools: [{_EXAMPLE}], or set codeb:provider to existing."
        raise refusal("codeb:provider is vultr, and no pool says what to make", remedy, at=("pools",))
    names: set[str] = set()
    stems: dict[str, Pool] = {}
    for index, pool in enumerate(settings.pools):
        at = ("pools", index, "name")
        if pool.name in names:
            raise refusal(f"{shown(pool.name)} is used twice", "Give each pool its own.", at=at)
        names.add(pool.name)
        other = stems.setdefault(pool.stem, pool) if settings.provider_of(pool) == "vultr" else pool
        if other is not pool:
            cause = f"{shown(pool.name)} and {shown(other.name)} both lead to servers named {pool.stem}-1"
            raise refusal(cause, "Choose another name for one of the two.", at=at)
        refuse_pool(settings, index)


def _refuse_names(settings: Settings) -> None:
    """Names of servers, and host names, that somebody else has."""
    existing = {server.name for server in settings.servers}
    hosts = {host: "the platform's own" for host in settings.platform_hosts.values()}
    for member in settings.most_members:
        at = ("pools", member.pool_index, "name")
        if member.server in existing:
            cause = f"leads to a server {member.server}, and codeb:servers has one of this name"
            raise refusal(cause, "Choose another name for the pool or for the server.", at=at)
        if len(member.hostname) > _LONGEST_HOSTNAME:
            cause = f"leads to the host name {shown(member.hostname)} of {len(member.hostname)} characters"
            remedy = f"Linux takes {_LONGEST_HOSTNAME}: choose a shorter name, or a shorter codeb:domain."
            raise refusal(cause, remedy, at=at)
        owner = hosts.setdefault(member.hostname, f"the one of {member.server}")
        if owner != f"the one of {member.server}":
            cause = f"leads to the host name {member.hostname} for {member.server}, which is {owner}"
            raise refusal(cause, "Choose another name for the pool.", at=at)


def _refuse_roles(settings: Settings) -> None:
    holders = {role: list(_holders(settings, role)) for role in ROLES}
    for role in ROLES:
        count = len(holders[role])
        if count and (role != "data" or count == 1):
            continue
        wanted = "exactly one server" if role == "data" else "a server"
        at: Location = ("pools",) if settings.vultr_pools else ("servers",)
        if count > 1 and holders[role][-1] is not None:
            at = holders[role][-1] or at
        raise refusal(f"{count} servers have the role {role}", f"Give {wanted} the role {role}.", at=at)


def _refuse_watchers(settings: Settings) -> None:
    """One server watches the stack, or none does."""
    holders = list(_holders(settings, "monitoring"))
    if len(holders) > 1:
        at: Location = holders[-1] or (("pools",) if settings.vultr_pools else ("servers",))
        cause = f"{len(holders)} servers have the role monitoring"
        raise refusal(cause, "Give the role monitoring to one server.", at=at)


def _refuse_export(settings: Settings) -> None:
    """Lines of all apps, and what lets us in there, are for nobody on the way."""
    export = settings.monitoring.export
    if export and not export.endpoint.startswith("https://") and not settings.development:
        cause = f"{shown(export.endpoint)} doesn't start with https://"
        remedy = "Write for example https://otlp.example.com; http is for stacks with codeb:development only."
        raise refusal(cause, remedy, at=("monitoring", "export", "endpoint"))


def _holders(settings: Settings, role: Role) -> Iterator[Location | None]:
    """Where each server with a role is asked for; None for those of codeb:servers."""
    for server in settings.servers:
        if role in server.roles:
            yield None
    for member in settings.members:
        if role in member.roles:
            yield ("pools", member.pool_index, "count" if member.number > 1 else "roles")


def _refuse_previews(settings: Settings) -> None:
    if settings.previews is not None and not settings.development:
        cause = "pull requests run on stacks to try things on only, and codeb:development is not true"
        raise refusal(cause, "Remove it, or set codeb:development to true.", at=("previews",))


def _refuse_network(settings: Settings) -> None:
    network = IPv4Network(settings.vpc_subnet)
    servers = len(settings.most_members)
    if network.num_addresses < servers + _OTHERS_IN_SUBNET:
        cause = f"{settings.vpc_subnet} is too small for {servers} servers"
        raise refusal(cause, "Write for example 10.64.0.0/20.", at=("vpcSubnet",))
    for index, server in enumerate(settings.servers):
        if not is_private(server.private_address):
            cause = f"{server.private_address} is a public address, and servers at Vultr would reach data over the internet"
            remedy = (
                "Write the address that the servers reach in a private network (docs/fleet.md, Mixed stacks)."
            )
            raise refusal(cause, remedy, at=("servers", index, "privateAddress"))


def _refuse_balancer(settings: Settings) -> None:
    edges = sum("edge" in member.roles for member in settings.members)
    if settings.balancer.enabled and not edges:
        remedy = "Give a pool at Vultr the role edge, or remove the line."
        raise refusal("no server at Vultr has the role edge", remedy, at=("balancer", "enabled"))
    if settings.balancer.tls == "terminate" and not settings.balanced:
        remedy = "Remove the line, or write balancer: {enabled: true, tls: terminate}."
        raise refusal("there is no balancer that could end TLS", remedy, at=("balancer", "tls"))


def _refuse_administrators(settings: Settings) -> None:
    """Networks that let nobody in, or too many: when all change at once, old and new ones are rules for a while."""
    networks = collapsed(settings.admin_addresses)
    most = (catalogue().most_firewall_rules - _WEB_RULES) // 2
    if len(networks) > most:
        cause = f"{len(networks)} networks are more than Vultr's firewall takes"
        raise refusal(cause, f"Write {most} at most: larger networks, or a VPN's.", at=("adminAddresses",))
    if networks and not any(isinstance(network, IPv4Network) for network in networks):
        cause = "servers at Vultr have no IPv6 address, so these networks let nobody in, the program neither"
        raise refusal(cause, "Add the IPv4 address of whoever runs Pulumi.", at=("adminAddresses",))


def _refuse_idle(settings: Settings) -> None:
    """Settings of a fleet in a stack that has none: somebody expects more than happens."""
    if settings.balancer.enabled or settings.balancer.tls == "terminate":
        raise refusal(
            "no server is at Vultr", "Remove it, or write a pool with provider: vultr.", at=("balancer",)
        )
    if settings.dns_zone is not None:
        raise refusal(
            "no server is at Vultr", "Remove it, or write a pool with provider: vultr.", at=("dnsZone",)
        )
