"""Caddy: on edges the platform's own hosts, and the snippets that every site imports; on servers that run projects for
edges elsewhere the door by which those come in."""

from __future__ import annotations

from typing import Final

from codeb import names
from codeb.plan import Plan, ServerPlan, monitored, routes
from codeb.plan.certificates import shared_folder
from codeb.plan.doors import known, private_network
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.certificates import certificates_files
from codeb.render.console import console_files
from codeb.render.project import terminates
from codeb.render.text import render, secret_marker

SHUTDOWN_DELAY_S: Final = 50
"""How long Caddy tells a balancer that it goes, before it goes: three health checks, 15 s apart, and their answers."""
_STOP_S: Final = 30
_CONTAINERS: Final = "10.88.0.0/13"
"""Where Podman takes the networks of projects from (containers.conf(5)), 1792 of them: private, but no operators."""


def has_caddy(plan: Plan, server: ServerPlan) -> bool:
    """Whether anybody asks this server for an app over HTTP: visitors, or edges."""
    return monitored.has_caddy(plan, server)


def edge_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Unit and configuration of Caddy. The agent writes all that concerns single projects below the same folder."""
    service, data = "caddy.service", f"{names.DATA_DIR}/{names.CADDY}"
    internal = plan.settings.tls_issuer == "internal" and server.has("edge")
    share = shared_folder(plan, server)
    unit = render(
        "caddy/caddy.container",
        name=names.CADDY,
        image=plan.settings.images.caddy,
        pull=plan.settings.image_pull,
        config=names.CADDY_DIR,
        data=data,
        ca_file=names.CA_FILE,
        secrets=names.SECRETS_DIR,
        internal_issuer=internal,
        stop_s=_STOP_S + (SHUTDOWN_DELAY_S if _is_balanced(plan, server) else 0),
        certificates=names.CERTIFICATES_DIR if share else None,
        traces=monitored.OTLP_PORT if monitored.monitoring_server(plan) else None,
    )
    key = HostFile(f"{names.SECRETS_DIR}/ca.key", secret_marker("platform/ca"), "0600", restarts=(service,))
    ca = plan.settings.acme_ca if plan.settings.tls_issuer == "acme" and server.has("edge") else None
    certificates = certificates_files(share, f"{data}/data/caddy") if share else HostBundle()
    page = console_files() if monitored.monitoring_server(plan) and server.has("edge") else HostBundle()
    return (
        certificates
        + page
        + HostBundle(
            directories=(
                Directory(names.CADDY_DIR),
                Directory(names.SITES_DIR),
                Directory(names.UPSTREAMS_DIR),
                Directory(names.CANARIES_DIR),
                Directory(names.MAINTENANCE_DIR),
                Directory(data, "0700"),
                Directory(f"{data}/data", "0700"),
                Directory(f"{data}/config", "0700"),
            ),
            files=(
                *((key,) if internal else ()),
                *((HostFile(names.ACME_CA_FILE, ca, reloads=(service,)),) if ca else ()),
                HostFile(f"{names.CADDY_DIR}/Caddyfile", caddyfile(plan, server), reloads=(service,)),
                HostFile(names.HOLD_FILE, render("caddy/hold.nft", ports=_ports(plan, server))),
                HostFile(f"{names.QUADLET_DIR}/{names.CADDY}.container", unit, restarts=(service,)),
            ),
            services=(Service(service),),
        )
    )


def caddyfile(plan: Plan, server: ServerPlan) -> str:
    """The Caddyfile of this server."""
    doors = {
        "inner": routes.has_inner(plan, server),
        "inner_port": routes.INNER_PORT,
        "callers": routes.callers(plan, server),
        "caddy_dir": names.CADDY_DIR,
        "terminates": terminates(plan),
        "watched": _watched(plan),
    }
    if not server.has("edge"):
        return render("caddy/Caddyfile.inner", **doors)
    hosts = plan.settings.platform_hosts
    near = plan.data.server == server.name
    return render(
        "caddy/Caddyfile",
        **doors,
        tightened={},
        internal_issuer=plan.settings.tls_issuer == "internal",
        acme=_acme(plan, server),
        ca_file=names.CA_FILE,
        data_host="127.0.0.1" if near else plan.data.host,
        minio_port=plan.data.minio_port,
        minio_console_port=plan.data.minio_console_port,
        minio_host=hosts["minio"],
        s3_host=hosts["s3"],
        metrics_host=hosts["metrics"],
        grafana_host=hosts.get("grafana") if doors["watched"] else None,
        console_host=hosts.get("console") if doors["watched"] else None,
        containers=_CONTAINERS,
        **_before(plan, server),
    )


def _watched(plan: Plan) -> dict[str, object] | None:
    """Where Caddy is asked for its figures, and what it leads to of monitoring; None where nothing watches."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        return None
    shown = monitored.seen_at(plan, watcher)
    return {
        "port": monitored.CADDY_PORT,
        "prometheus": f"{shown}:{monitored.PROMETHEUS_PORT}",
        "grafana": f"{shown}:{monitored.GRAFANA_PORT}",
    }


def _before(plan: Plan, server: ServerPlan) -> dict[str, object]:
    """What Caddy has to know of a balancer that stands before it."""
    balancer = plan.fleet.balancer if plan.fleet and _is_balanced(plan, server) else None
    return {
        "balancer": balancer,
        "scheme": "http://" if terminates(plan) else "",
        "private": private_network(plan),
        "own": known(plan, server),
        "shutdown_delay_s": SHUTDOWN_DELAY_S,
    }


def _is_balanced(plan: Plan, server: ServerPlan) -> bool:
    """Whether visitors come to this server through the balancer."""
    balancer = plan.fleet.balancer if plan.fleet else None
    return balancer is not None and server.name in balancer.servers


def _ports(plan: Plan, server: ServerPlan) -> tuple[int, ...]:
    """Where Caddy listens."""
    outside = (80, 443) if server.has("edge") else ()
    return (*outside, *((routes.INNER_PORT,) if routes.has_inner(plan, server) else ()))


def _acme(plan: Plan, server: ServerPlan) -> dict[str, str | None]:
    """Who signs certificates for whom, and where they are kept: as Caddy's container sees it."""
    settings = plan.settings
    return {
        "email": settings.acme_email,
        "directory": settings.acme_directory,
        "ca_file": names.ACME_CA_FILE if settings.acme_ca else None,
        "storage": "/certificates/now" if shared_folder(plan, server) else None,
    }
