"""What the agent's tests send to a lab host: a small platform, releases of the tiny app, and what may delay them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codeb import names
from codeb.model import Protect
from codeb.plan.routes import INNER_PORT, Outer
from codeb.render.text import render
from codeb.render.visitors import logins

HERE = Path(__file__).parent
QUADLET = "/etc/containers/systemd"
REDIS_ADMIN = "lab-redis-admin-password"


def bundle(ca: str, key: str, **changes: object) -> dict[str, Any]:
    """A small platform: Caddy and Redis."""

    def file(path: str, content: str, mode: str = "0644", **units: list[str]) -> dict[str, Any]:
        return {"path": path, "content": content, "mode": mode, "owner": "root:root", **units}

    acl = f"user default on >{REDIS_ADMIN} ~* &* +@all\n"
    return {
        "version": 1,
        "packages": ["podman", "nftables"],
        "directories": [
            {"path": path, "mode": mode, "owner": "root:root"}
            for path, mode in (
                ("/etc/codeb", "0755"),
                ("/etc/codeb/secrets", "0700"),
                ("/etc/caddy", "0755"),
                ("/etc/caddy/sites", "0755"),
                ("/etc/caddy/upstreams", "0755"),
                ("/etc/caddy/canaries", "0755"),
                ("/etc/caddy/maintenance", "0755"),
            )
        ],
        "files": [
            file("/etc/codeb/ca.crt", ca),
            file("/etc/codeb/secrets/ca.key", key, "0600"),
            file("/etc/codeb/secrets/redis.acl", acl, "0600"),
            file("/etc/caddy/Caddyfile", caddyfile(), reloads=["caddy.service"]),
            file(
                f"{QUADLET}/caddy.container",
                (HERE / "caddy.container").read_text(),
                restarts=["caddy.service"],
            ),
            file(names.HOLD_FILE, render("caddy/hold.nft", ports=(80, 443))),
            file(
                f"{QUADLET}/redis-0.container",
                (HERE / "redis-0.container").read_text(),
                restarts=["redis-0.service"],
            ),
        ],
        "services": [
            {
                "name": "redis-0.service",
                "wait": {"kind": "tcp", "address": "127.0.0.1:6379", "timeout_s": 60},
            },
            {"name": "caddy.service", "wait": {"kind": "tcp", "address": "127.0.0.1:80", "timeout_s": 60}},
        ],
        **changes,
    }


def gates(project: str = "agent-one", *, slow: bool = False) -> dict[str, Any]:
    """A release command and a canary, short or long enough to be disturbed in."""
    lines = [
        "[Unit]",
        "StartLimitIntervalSec=0",
        "[Container]",
        f"ContainerName=codeb-{project}-job",
        "Image=@IMAGE@",
        "Pull=never",
        f"Network=codeb-{project}.network",
        f"EnvironmentFile=/etc/codeb/projects/{project}/candidate.env",
        "Entrypoint=node",
        f'Exec="-e" "setTimeout(() => process.exit(0), {2000 if slow else 100})"',
        "LogDriver=journald",
        "[Service]",
        "Type=oneshot",
        "Restart=no",
        f"EnvironmentFile=/etc/codeb/projects/{project}/candidate.image",
    ]
    unit = {"name": f"codeb-{project}-job.container", "content": "\n".join(lines) + "\n"}
    wait_ms = 4000 if slow else 500
    return {
        "job": {"unit": unit, "timeout_ms": 30_000},
        "canary": {"steps": [5, 25], "wait_ms": wait_ms, "max_error_percent": 5.0},
    }


def site(
    project: str,
    max_upload: int = 1 << 20,
    canary_steps: Sequence[tuple[int, str]] = (),
    protect: Protect | None = None,
) -> str:
    """The site as the platform renders it."""
    return render(
        "caddy/site.caddy",
        id=project,
        domain=f"{project}.lab.test",
        served=(f"{project}.lab.test",),
        redirecting=(),
        protect=protect,
        logins=logins(protect.users) if protect else "",
        balancers=None,
        redirects=(),
        tightened={},
        added={},
        removed=(),
        private=None,
        metrics_path="/api/metrics",
        health_path="/api/health",
        outer=Outer((), near=True),
        watched=None,
        figures=None,
        inner=0,
        inner_host=names.inner_host(project),
        inner_port=INNER_PORT,
        max_upload=max_upload,
        upstream_file=names.upstream_file(project),
        maintenance_dir=names.MAINTENANCE_DIR,
        canaries_dir=names.CANARIES_DIR,
        canary_steps=canary_steps,
    )


def caddyfile() -> str:
    """The Caddyfile as the platform renders it; nothing stands behind its own hosts."""
    return render(
        "caddy/Caddyfile",
        tightened={},
        internal_issuer=True,
        acme={},
        caddy_dir=names.CADDY_DIR,
        inner=False,
        inner_port=INNER_PORT,
        callers=(),
        terminates=False,
        watched=None,
        grafana_host=None,
        console_host=None,
        containers="10.88.0.0/13",
        balancer=None,
        scheme="",
        private="",
        own=(),
        shutdown_delay_s=0,
        ca_file=names.CA_FILE,
        data_host="127.0.0.1",
        minio_port=9000,
        minio_console_port=9001,
        **{f"{name}_host": f"{name}.agent.test" for name in ("minio", "s3", "metrics")},
    )


def release(image: str, project: str = "agent-one", port: int = 3901, **changes: object) -> dict[str, Any]:
    """A release of the tiny app."""

    def colour(name: str, number: int) -> dict[str, str]:
        lines = [
            "[Unit]",
            "StartLimitIntervalSec=0",
            "[Container]",
            f"ContainerName=codeb-{project}-{name}",
            "Image=@IMAGE@",
            "Pull=never",
            f"Network=codeb-{project}.network",
            f"EnvironmentFile=/etc/codeb/projects/{project}/{name}.env",
            f"PublishPort=127.0.0.1:{number}:3000",
            "LogDriver=journald",
            "StopTimeout=5",
            "[Service]",
            f"EnvironmentFile=/etc/codeb/projects/{project}/{name}.image",
            "Restart=always",
            "RestartSec=1",
        ]
        return {"name": f"codeb-{project}-{name}.container", "content": "\n".join(lines) + "\n"}

    document: dict[str, Any] = {
        "version": 1,
        "project": project,
        "image": image,
        "pull": "never",
        "ports": {"blue": port, "green": port + 1},
        "publish": "127.0.0.1",
        "units": {
            "network": {
                "name": f"codeb-{project}.network",
                "content": f"[Network]\nNetworkName=codeb-{project}\nOptions=isolate=true\n",
            },
            "blue": colour("blue", port),
            "green": colour("green", port + 1),
            "cron": [],
        },
        "site": site(project),
        "domain": f"{project}.lab.test",
        "environment": {"SECRET_TOKEN": "sekret-token-of-the-app"},
        "cache": None,
        "health": {
            "path": "/api/health",
            "interval_ms": 200,
            "timeout_ms": 2000,
            "successes": 3,
            "max_response_ms": 500,
            "start_timeout_ms": 20000,
        },
        "standby_minutes": 60,
    }
    return {**document, **changes}
