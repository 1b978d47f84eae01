"""From settings to the fleet: machines, firewall rules, balancer, DNS records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network
from typing import Final

from codeb import names
from codeb.catalogue import catalogue
from codeb.model import Member, Settings
from codeb.model.addresses import Network, collapsed
from codeb.plan.fleet import (
    BALANCER,
    Balancer,
    FirewallRule,
    Fleet,
    ForwardingRule,
    Machine,
    Record,
    SharedStorage,
    Transport,
)
from codeb.plan.managed import service_of
from codeb.plan.managed_caches import cache_services
from codeb.plan.types import ProjectPlan, ServerPlan

TTL: Final = 300
"""Seconds that resolvers keep a record: what a changed address takes to arrive."""
_ANYWHERE: Final = ("0.0.0.0/0", "::/0")
_IPV4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_NAMED: Final = 5


def servers_of(settings: Settings) -> tuple[ServerPlan, ...]:
    """The stack's servers: those that exist, in the order of the settings, then those at Vultr."""
    existing = (
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
    made = (
        ServerPlan(
            name=machine.server,
            address=names.address_marker(machine.server),
            private_address=names.private_marker(machine.server),
            ssh_port=22,
            user="root",
            roles=machine.roles,
            pool=machine.pool,
            memory=machine.memory,
        )
        for machine in map(_machine, settings.members)
    )
    return (*existing, *made)


def fleet_of(
    settings: Settings, servers: Sequence[ServerPlan], projects: Iterable[ProjectPlan]
) -> Fleet | None:
    """What the stack has at Vultr; None when all its servers exist already."""
    machines, projects = tuple(map(_machine, settings.members)), tuple(projects)
    if not machines:
        return None
    subnet = IPv4Network(settings.vpc_subnet)
    balancer = _balancer(settings, machines)
    return Fleet(
        region=settings.region,
        subnet=str(subnet.network_address),
        subnet_mask=subnet.prefixlen,
        machines=machines,
        rules=tuple(_rules(settings, machines)),
        balancer=balancer,
        zone=settings.dns_zone,
        records=tuple(_records(settings, machines, servers, projects)),
        shared=_shared(settings, machines),
        protect=settings.protect,
        postgres=service_of(settings),
        valkey=cache_services(settings, projects),
    )


def zone_notes(fleet: Fleet | None, settings: Settings, projects: Iterable[ProjectPlan]) -> Iterator[str]:
    """One sentence on host names whose records nobody makes."""
    if fleet is None or fleet.zone is None:
        return
    outside = [name for name in _served(settings, projects) if _relative(name, fleet.zone) is None]
    if outside:
        more = f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
        yield (
            f"host names outside of codeb:dnsZone {fleet.zone}, whose DNS records are yours to make: "
            f"{', '.join(outside[:_NAMED])}{more}."
        )


def _machine(member: Member) -> Machine:
    known, pool = catalogue(), member.pool
    disk = known.disks[pool.disk_kind].type if pool.disk_kind else None
    return Machine(
        server=member.server,
        label=member.label,
        hostname=member.hostname,
        pool=pool.name,
        plan=pool.plan or "",
        os_id=pool.os or known.default_system,
        roles=member.roles,
        memory=known.sizes[pool.plan or ""].memory,
        disk_gb=pool.disk_gb,
        disk_type=disk,
        reserved_ip=pool.reserved_ip,
    )


def _rules(settings: Settings, machines: Iterable[Machine]) -> Iterator[FirewallRule]:
    anywhere = collapsed(_ANYWHERE)
    admins = collapsed(settings.admin_addresses)
    for network in admins or anywhere:
        yield _rule("tcp", 22, network, admins)
    if not any("edge" in machine.roles for machine in machines):
        return
    for port in (80, 443):
        for network in anywhere:
            yield _rule("tcp", port, network)
    if not settings.balanced:  # a balancer passes no HTTP/3 on
        for network in anywhere:
            yield _rule("udp", 443, network)


def _rule(protocol: Transport, port: int, network: Network, named: Sequence[Network] = ()) -> FirewallRule:
    where = str(network).replace("/", "-").replace(":", ".") if named else f"v{network.version}"
    return FirewallRule(
        key=f"{port}{'-udp' if protocol == 'udp' else ''}-{where}",
        ip_type="v4" if network.version == 4 else "v6",
        protocol=protocol,
        port=str(port),
        subnet=str(network.network_address),
        subnet_size=network.prefixlen,
    )


def _shared(settings: Settings, machines: Iterable[Machine]) -> SharedStorage | None:
    """Where several edges keep the certificates that they order: a few kilobytes for each domain."""
    edges = tuple(machine.server for machine in machines if "edge" in machine.roles)
    if not settings.orders or len(edges) < 2:
        return None
    return SharedStorage(catalogue().file_system_least_gb, edges)


def _balancer(settings: Settings, machines: Iterable[Machine]) -> Balancer | None:
    if not settings.balanced:
        return None
    tls = settings.balancer.tls
    https = ForwardingRule("tcp", 443, "tcp", 443)
    http = ForwardingRule("tcp", 80, "tcp", 80)
    if tls == "terminate":
        https, http = ForwardingRule("https", 443, "http", 80), ForwardingRule("http", 80, "http", 80)
    return Balancer(
        servers=tuple(machine.server for machine in machines if "edge" in machine.roles),
        tls=tls,
        proxy_protocol=tls == "passthrough",
        rules=(https, http),
    )


def _records(
    settings: Settings,
    machines: Iterable[Machine],
    servers: Iterable[ServerPlan],
    projects: Iterable[ProjectPlan],
) -> Iterator[Record]:
    """Every name at or below the zone: what is served points at the balancer or at each edge, a server's at itself."""
    if settings.dns_zone is None:
        return
    made = {machine.server for machine in machines}
    edges = [s.name for s in servers if s.has("edge") and (s.name in made or _IPV4.fullmatch(s.address))]
    targets = [BALANCER] if settings.balanced else edges
    wanted = {name: targets for name in _served(settings, projects)}
    wanted |= {machine.hostname: [machine.server] for machine in machines}
    for name, pointed in sorted(wanted.items()):
        relative = _relative(name, settings.dns_zone)
        if relative is None:
            continue
        for index, target in enumerate(pointed):
            plain = name.replace("*.", "_any.")  # names of resources take part in patterns of --target
            key = plain if index == 0 else f"{plain}-{target}"
            yield Record(key, relative, "A", target, TTL)


def _served(settings: Settings, projects: Iterable[ProjectPlan]) -> list[str]:
    """The host names that edges answer for, projects' first."""
    found = [name for project in projects for name in project.hosts]
    return [*found, *settings.platform_hosts.values()]


def _relative(name: str, zone: str) -> str | None:
    """The name as the zone's records say it ("" for the zone itself); None when it is not in the zone."""
    if name == zone:
        return ""
    return name.removesuffix(f".{zone}") if name.endswith(f".{zone}") else None
