"""What every server has: firewall, SSH, Fail2Ban, Podman's settings, the platform's CA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from codeb import names
from codeb.plan import Plan, ServerPlan, routes
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
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
    """Published container ports that other servers of the stack may reach."""

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
            HostFile(names.CA_FILE, public_marker("platform/ca")),
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
        apps = tuple(other.private_address for other in others if other.has("app"))
        edges = tuple(other.private_address for other in others if other.has("edge"))
        console = (plan.data.minio_port, plan.data.minio_console_port)
        found += [Opening(apps, _texts(data_ports(plan))), Opening(edges, _texts(console))]
    return tuple(opening for opening in found if opening.sources)


def _firewall(plan: Plan, server: ServerPlan) -> tuple[HostFile, ...]:
    rules = render(
        "host/nftables.conf",
        ssh_port=server.ssh_port,
        data_interface=DATA_INTERFACE,
        data_ports=data_ports(plan) if server.has("data") else (),
        openings=openings(plan, server),
        inner_port=routes.INNER_PORT,
        callers=routes.callers(plan, server) if routes.has_inner(plan, server) else (),
        http3=plan.fleet is None or plan.fleet.balancer is None,
    )
    dropin = "/etc/systemd/system/nftables.service.d/10-codeb.conf"
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
    own = (server.private_address for server in plan.servers)
    return tuple(dict.fromkeys((*own, *plan.settings.admin_addresses)))


def _texts(ports: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(str(port) for port in ports)
