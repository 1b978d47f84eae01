"""Bundles that are applied to a host in memory."""

from __future__ import annotations

from typing import Any

from agent.bundle.apply import apply
from agent.documents.reader import Reader
from tests.unit.agent.fakes.host import FakeHost

QUADLET = "/etc/containers/systemd/"
SECRET = "very-secret-password-of-redis"


def file(path: str, content: str, mode: str = "0644", **units: list[str]) -> dict[str, Any]:
    return {"path": path, "content": content, "mode": mode, "owner": "root:root", **units}


def bundle(**changes: object) -> dict[str, Any]:
    document = {
        "version": 1,
        "packages": ["podman", "nftables"],
        "directories": [{"path": "/etc/codeb", "mode": "0755", "owner": "root:root"}],
        "files": [
            file(f"{QUADLET}redis-0.container", "[Container]\nImage=r:1\n", restarts=["redis-0.service"]),
            file(f"{QUADLET}caddy.container", "[Container]\nImage=r:1\n", restarts=["caddy.service"]),
            file("/etc/caddy/Caddyfile", "import sites/*.caddy\n", reloads=["caddy.service"]),
            file("/etc/codeb/secrets/redis-0", f"{SECRET}\n", "0600", restarts=["redis-0.service"]),
            file(
                "/etc/ssh/sshd_config.d/10-codeb.conf", "PasswordAuthentication no\n", reloads=["ssh.service"]
            ),
            file("/etc/nftables.conf", "table inet codeb {}\n", reloads=["nftables.service"]),
        ],
        "services": [
            {"name": "redis-0.service", "wait": {"kind": "container-health", "timeout_s": 30}},
            {"name": "caddy.service"},
        ],
    }
    return {**document, **changes}


def run(host: FakeHost, document: dict[str, Any]) -> dict[str, Any]:
    return apply(host.ports(), Reader(document, ""), "tester")
