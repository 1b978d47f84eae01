"""Caddy on servers with role `edge`: the platform's own hosts, and the snippets that every site imports."""

from __future__ import annotations

from codeb import names
from codeb.plan import Plan, ServerPlan
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import render, secret_marker


def edge_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Unit and configuration of Caddy. The agent writes all that concerns single projects below the same folder."""
    service, data = "caddy.service", f"{names.DATA_DIR}/{names.CADDY}"
    internal = plan.settings.tls_issuer == "internal"
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
    )
    key = HostFile(f"{names.SECRETS_DIR}/ca.key", secret_marker("platform/ca"), "0600", restarts=(service,))
    return HostBundle(
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
            HostFile(f"{names.CADDY_DIR}/Caddyfile", caddyfile(plan, server), reloads=(service,)),
            HostFile(names.HOLD_FILE, render("caddy/hold.nft")),
            HostFile(f"{names.QUADLET_DIR}/{names.CADDY}.container", unit, restarts=(service,)),
        ),
        services=(Service(service),),
    )


def caddyfile(plan: Plan, server: ServerPlan) -> str:
    """The Caddyfile of this edge server."""
    hosts = plan.settings.platform_hosts
    near = plan.data.server == server.name
    return render(
        "caddy/Caddyfile",
        internal_issuer=plan.settings.tls_issuer == "internal",
        acme_email=plan.settings.acme_email,
        caddy_dir=names.CADDY_DIR,
        ca_file=names.CA_FILE,
        data_host="127.0.0.1" if near else plan.data.host,
        minio_port=plan.data.minio_port,
        minio_console_port=plan.data.minio_console_port,
        minio_host=hosts["minio"],
        s3_host=hosts["s3"],
        metrics_host=hosts["metrics"],
    )
