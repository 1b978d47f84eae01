"""Two servers at the simulated Vultr: what tests of managed services change in the stack's file, and look up in an app."""

from __future__ import annotations

from typing import Any

import yaml

from lab.fleet import shape
from lab.fleet.production import Production

POOLS = [
    {"name": "default", "roles": ["app", "edge"], "plan": "vc2-6c-16gb"},
    {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"},
]


def settings(production: Production, changes: dict[str, Any]) -> None:
    path = production.folder / shape.SETTINGS.name
    found = yaml.safe_load(path.read_text())
    found["config"] |= changes
    found["config"].pop("codeb:balancer", None)
    path.write_text(yaml.safe_dump(found))


def told(production: Production, project: str, name: str) -> str:
    """What the container that serves has in a variable; nothing for one that it has not."""
    container = f"codeb-{project}-{production.project('app-1', project)['active']}"
    return production.on("app-1", "podman", "exec", container, "printenv", name).stdout.decode().strip()
