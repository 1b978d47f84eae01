"""What every server has: firewall, SSH, Fail2Ban, Podman's settings, the platform's CA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from codeb import names
from codeb.plan import Plan, ServerPlan, monitored, routes
from codeb.plan.doors import private_network, sources
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.managed import authorities
from codeb.render.text import public_marker, render

DATA_INTERFACE: Final = "podman-data"

_PACKAGES: Final = (
    "aardvark-dns",
    "ca-certificates",
    "fail2ban",
    "netavark",
    "nftables",
    "openssh-server",
    "podman",
    "python3-systemd",
)


@dataclass(frozen=True)
class Opening:
    """Ports that other servers of the stack may reach: published ones of containers, or the host's own.

    `sources` are addresses and networks."""

    sources: tuple[str, ...]
    ports: tuple[str, ...]


def base_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Files and services of the host itself."""
    return HostBundle(
        packages=_PACKAGES,
        directories=(
            Directory(names.CONFIG_DIR),
            Directory(names.SECRETS_DIR, "0700"),
            Directory(names.DATA_DIR, "0711"),
            Directory(names.QUADLET_DIR),
        ),
        files=(
            HostFile(names.CA_FILE, public_marker("platform/ca") + authorities(plan)),
            *_firewall(plan, server),
            HostFile(
                "/etc/ssh/sshd_config.d/10-codeb.conf",
                render("host/sshd.conf", user=server.user, trusted=_trusted(plan)),
                reloads=("ssh.service",),
            ),
            *_bans(plan, server),
            HostFile("/etc/containers/containers.conf.d/10-codeb.conf", render("host/containers.conf")),
            HostFile(
                "/etc/containers/registries.conf.d/10-codeb.conf",
                render("host/registries.conf", insecure=plan.settings.insecure_registries),
            ),
            HostFile(
                "/etc/systemd/journald.conf.d/10-codeb.conf",
                render("host/journald.conf"),
                restarts=("systemd-journald.service",),
            ),
        ),
        services=(Service("nftables.service"), Service("ssh.service"), Service("fail2ban.service")),
    )


def data_ports(plan: Plan) -> tuple[int, ...]:
    """Ports of the data services that apps may reach."""
    return (plan.data.postgres_port, plan.data.minio_port, *(redis.port for redis in plan.data.redis))


def openings(plan: Plan, server: ServerPlan) -> tuple[Opening, ...]:
    """Who else in the stack may reach published ports of this server."""
    found = []
    others = [other for other in plan.servers if other.name != server.name]
    if server.has("data"):
        apps = sources(plan, [other for other in others if other.has("app")])
        edges = sources(plan, [other for other in others if other.has("edge")])
        console = (plan.data.minio_port, plan.data.minio_console_port)
        found += [Opening(apps, _texts(data_ports(plan))), Opening(edges, _texts(console))]
        watcher = monitored.monitoring_server(plan)
        if watcher and watcher.name != server.name:
            found += [Opening((watcher.private_address,), _texts((plan.data.minio_port,)))]
    return tuple(opening for opening in found if opening.sources)


def host_openings(plan: Plan, server: ServerPlan) -> tuple[Opening, ...]:
    """Who else in the stack may reach what listens on this server itself: monitoring alone."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        return ()
    if server.name != watcher.name:
        return (Opening((watcher.private_address,), _texts(monitored.exporter_ports(plan, server))),)
    others = [other for other in plan.servers if other.name != server.name]
    edges = sources(plan, [other for other in others if other.has("edge")])
    shown = (
        monitored.PROMETHEUS_PORT,
        *((monitored.GRAFANA_PORT,) if plan.settings.monitoring.grafana else ()),
    )
    taken = (monitored.LOG_PORTS[monitored.log_store(plan)], monitored.OTLP_PORT)
    found = (
        Opening(edges, _texts(shown)),
        Opening(sources(plan, others), _texts(taken)),
    )
    return tuple(opening for opening in found if opening.sources)


def _closed(plan: Plan, server: ServerPlan) -> Opening | None:
    """What no container reaches of the stack's servers, though its packets look as if they came from this one."""
    others = sources(plan, [other for other in plan.servers if other.name != server.name])
    watched = monitored.own_ports(plan) if monitored.monitoring_server(plan) else ()
    ports = (*_for_servers(plan), *watched)
    return Opening(others, _texts(ports)) if others and ports else None


def _for_servers(plan: Plan) -> tuple[int, ...]:
    """Ports that are open to the whole private network and are for servers alone: who is let in there is believed.

    Edges believe a balancer, which is somewhere in that network, for whom it comes.
    """
    if private_network(plan) is None:
        return ()
    balanced = (80, 443) if plan.fleet and plan.fleet.balancer else ()
    return (*balanced, routes.INNER_PORT, plan.data.minio_console_port)


def _firewall(plan: Plan, server: ServerPlan) -> tuple[HostFile, ...]:
    rules = render(
        "host/nftables.conf",
        ssh_port=server.ssh_port,
        data_interface=DATA_INTERFACE,
        data_ports=data_ports(plan) if server.has("data") else (),
        openings=openings(plan, server),
        host_openings=host_openings(plan, server),
        closed=_closed(plan, server),
        otlp_port=monitored.OTLP_PORT if monitored.monitoring_server(plan) and server.has("app") else None,
        inner_port=routes.INNER_PORT,
        callers=routes.callers(plan, server) if routes.has_inner(plan, server) else (),
        http3=plan.fleet is None or plan.fleet.balancer is None,
    )
    dropin = f"{names.UNITS_DIR}/nftables.service.d/10-codeb.conf"
    return (
        HostFile(dropin, render("host/nftables-dropin.conf")),
        HostFile("/etc/nftables.conf", rules, reloads=("nftables.service",)),
    )


def _bans(plan: Plan, server: ServerPlan) -> tuple[HostFile, ...]:
    jail = render("host/fail2ban.local", ssh_port=server.ssh_port, trusted=_trusted(plan))
    return (
        HostFile(
            "/etc/fail2ban/filter.d/codeb-sshd.conf",
            render("host/fail2ban-sshd.conf"),
            restarts=("fail2ban.service",),
        ),
        HostFile("/etc/fail2ban/jail.d/codeb.local", jail, restarts=("fail2ban.service",)),
    )


def _trusted(plan: Plan) -> tuple[str, ...]:
    """Who is never shut out, whatever fails: the stack's own servers and its administrators."""
    return tuple(dict.fromkeys((*sources(plan, plan.servers), *plan.settings.admin_addresses)))


def _texts(ports: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(str(port) for port in ports)
