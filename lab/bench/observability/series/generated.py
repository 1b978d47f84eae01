"""Generated projects on as many servers as they need, and what the platform itself renders of them for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from codeb import watch_names
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan, monitored
from codeb.render import host_files
from lab.bench.programs import PROJECTS_PER_POOL, SERVER_KEY

DOMAIN: Final = "bench.test"
EVERY: Final = 5
"""One project in so many has a second host name, another one offers metrics, another one has a worker."""
OFFERS_METRICS: Final = 1
"""Which of so many it is."""
_ALIAS: Final = 0
_WORKER: Final = 2


def plan_of(size: int, memory: int) -> Plan:
    """So many projects; the first server has all roles, `memory` is the setting (MiB) of `codeb:monitoring`."""
    pools = range(0, size, PROJECTS_PER_POOL)
    settings = parse_settings(
        {
            "domain": DOMAIN,
            "servers": [_server(number) for number in range(len(pools))],
            "tlsIssuer": "internal",
            "monitoring": {"memory": memory},
        }
    )
    sources = [ManifestSource(f"{_id(number)}.yaml", _manifest(number)) for number in range(size)]
    return make_plan(settings, load_manifests(sources, settings))


def prometheus_files(plan: Plan) -> dict[str, str]:
    """What the server with the role monitoring has below `/etc/codeb/prometheus`, by the path from there."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        raise ValueError("nobody watches these projects")
    inside = f"{watch_names.PROMETHEUS_DIR}/"
    files = host_files(plan, watcher).files
    return {file.path.removeprefix(inside): file.content for file in files if file.path.startswith(inside)}


def configuration(text: str, folder: Path, door: str) -> str:
    """A rendered `prometheus.yml` for files in `folder`: all that is asked or told goes to `door`, a URL; addresses stay."""
    found: dict[str, Any] = yaml.safe_load(text.replace(watch_names.PROMETHEUS_DIR, str(folder)))
    for job in found["scrape_configs"]:
        job["proxy_url"] = door
        if "authorization" in job:
            job["authorization"] = {"credentials": "none"}
    for each in found["alerting"]["alertmanagers"]:
        each["proxy_url"] = door
    return yaml.safe_dump(found)


def _id(number: int) -> str:
    return f"app-{number:04}"


def _manifest(number: int) -> str:
    host = f"app{number}.{DOMAIN}"
    features: dict[str, Any] = {"metrics": number % EVERY == OFFERS_METRICS}
    if number % EVERY == _WORKER:
        features["workers"] = [{"name": "mail", "command": ["node", "mail.js"]}]
    return yaml.safe_dump(
        {
            "project": {"id": _id(number)},
            "environment": {
                "domain": host,
                "aliases": [f"www.{host}"] if number % EVERY == _ALIAS else [],
                "image": "registry.bench.test/app:1",
            },
            "features": features,
            "servers": {"pool": f"pool{number // PROJECTS_PER_POOL}"},
        }
    )


def _server(number: int) -> dict[str, Any]:
    first = ["data", "monitoring"] if number == 0 else []
    return {
        "name": f"server{number}",
        "address": f"127.66.0.{number + 1}",
        "privateAddress": f"10.66.0.{number + 1}",
        "roles": ["app", "edge", *first],
        "pool": f"pool{number}",
        "hostKey": SERVER_KEY,
    }
