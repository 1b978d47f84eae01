"""Whom Prometheus asks: a file a job, which it reads again when it changes. Labels are JSON's strings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from codeb import watch_names
from codeb.plan import Plan, ProjectPlan, ServerPlan, monitored

JOBS: Final = (
    *("prometheus", "alertmanager", "grafana", "logs", "jaeger"),
    *("node", "process", "collector", "caddy", "postgres", "redis", "minio"),
)
"""Of the platform itself; the apps of a server are one of their own."""
_LOOPBACK: Final = "127.0.0.1"

Target = dict[str, Any]


def target_files(plan: Plan) -> dict[str, str]:
    """Text of each file by the name of its job."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        return {}
    found = {job: list(_of_platform(plan, watcher, job)) for job in JOBS}
    for server in doors(plan):
        found[f"apps-{server.name}"] = [
            _app(project) for project in plan.projects_on(server.name) if asked(project)
        ]
        for each in found[f"apps-{server.name}"]:
            each["labels"]["server"] = server.name
    return {job: json.dumps(targets, indent=1) + "\n" for job, targets in found.items()}


def doors(plan: Plan) -> tuple[ServerPlan, ...]:
    """The servers whose Caddy is asked for figures of apps."""
    return tuple(server for server in plan.servers if server.has("app") and monitored.has_caddy(plan, server))


def asked(project: ProjectPlan) -> bool:
    """Whether the app offers figures."""
    return project.manifest.features.metrics


def _of_platform(plan: Plan, watcher: ServerPlan, job: str) -> Iterator[Target]:
    own = {
        "prometheus": f"{_LOOPBACK}:{monitored.PROMETHEUS_PORT}",
        "alertmanager": f"{_LOOPBACK}:{monitored.ALERTMANAGER_PORT}",
        "logs": f"{_LOOPBACK}:{monitored.LOG_PORTS[monitored.log_store(plan)]}",
        "jaeger": f"{_LOOPBACK}:{monitored.TRACES_METRICS_PORT}",
    }
    if plan.settings.monitoring.grafana:
        own["grafana"] = f"{monitored.seen_at(plan, watcher)}:{monitored.GRAFANA_PORT}"
    everywhere = {
        "node": monitored.NODE_PORT,
        "process": monitored.PROCESS_PORT,
        "collector": monitored.COLLECTOR_PORT,
        "caddy": monitored.CADDY_PORT,
        "postgres": monitored.POSTGRES_PORT,
    }
    if job in own:
        yield _target(own[job], watcher.name, watcher)
    for server in plan.servers:
        if job in everywhere and everywhere[job] in monitored.exporter_ports(plan, server):
            yield _target(f"{monitored.asked_at(plan, server)}:{everywhere[job]}", server.name, server)
        if job == "minio" and server.has("data"):
            yield _target(f"{monitored.asked_at(plan, server)}:{plan.data.minio_port}", server.name, server)
        if job == "redis" and server.has("data"):
            for redis in plan.data.redis:
                yield _target(f"redis://{_LOOPBACK}:{redis.port}", redis.name, server)


def _target(address: str, instance: str, server: ServerPlan) -> Target:
    return {"targets": [address], "labels": {"instance": instance, "server": server.name}}


def _app(project: ProjectPlan) -> Target:
    address = f"{watch_names.metrics_host(project.id)}:{monitored.CADDY_PORT}"
    return {"targets": [address], "labels": {"instance": project.id, "project": project.id}}
