"""Which server of a stack watches it, where the services of monitoring answer there, and who asks whom."""

from __future__ import annotations

from typing import Final

from codeb.model.settings import LogStore
from codeb.plan.routes import has_inner
from codeb.plan.types import Plan, ServerPlan

PROMETHEUS_PORT: Final = 9090
ALERTMANAGER_PORT: Final = 9093
GRAFANA_PORT: Final = 13000
TRACES_PORT: Final = 16686
TRACES_IN_PORT: Final = 14318
TRACES_METRICS_PORT: Final = 18888
LOG_PORTS: Final[dict[LogStore, int]] = {"victorialogs": 9428, "loki": 13100}
OTLP_PORT: Final = 4318
"""Of each server's collector: apps and Caddy send traces there."""

NODE_PORT: Final = 9100
PROCESS_PORT: Final = 9256
COLLECTOR_PORT: Final = 8888
CADDY_PORT: Final = 2020
POSTGRES_PORT: Final = 9187
REDIS_PORT: Final = 9121
_LOOPBACK: Final = "127.0.0.1"


def monitoring_server(plan: Plan) -> ServerPlan | None:
    """The server with the role `monitoring`, None for a stack that nothing watches."""
    if not plan.settings.monitoring.enabled:
        return None
    return next((server for server in plan.servers if server.has("monitoring")), None)


def log_store(plan: Plan) -> LogStore:
    """What keeps the stack's logs."""
    return plan.settings.monitoring.log_store


def monitoring_places(plan: Plan) -> dict[str, str]:
    """Where each service answers on that server itself: `127.0.0.1:9090`. Nobody reaches them from outside."""
    store = log_store(plan)
    ports = {
        "prometheus": PROMETHEUS_PORT,
        "alertmanager": ALERTMANAGER_PORT,
        "logs": LOG_PORTS[store],
        "traces": TRACES_PORT,
    }
    return {**{name: f"{_LOOPBACK}:{port}" for name, port in ports.items()}, "log_store": store}


def has_caddy(plan: Plan, server: ServerPlan) -> bool:
    """Whether anybody asks this server for an app over HTTP: visitors, or edges."""
    return server.has("edge") or has_inner(plan, server)


def asked_at(plan: Plan, server: ServerPlan) -> str:
    """The address at which Prometheus asks a server's exporters, and the only one that they listen at."""
    return _LOOPBACK if server.has("monitoring") else server.private_address


def seen_at(plan: Plan, server: ServerPlan) -> str:
    """The address at which the other servers, and this one's Caddy, reach what the server with the role monitoring shows."""
    alone = all(edge.name == server.name for edge in plan.servers if edge.has("edge"))
    return _LOOPBACK if alone else server.private_address


def sent_to(plan: Plan, server: ServerPlan, watcher: ServerPlan) -> str:
    """Where this server's collector sends logs and traces to: the server with the role monitoring."""
    return _LOOPBACK if server.name == watcher.name else watcher.private_address


def exporter_ports(plan: Plan, server: ServerPlan) -> tuple[int, ...]:
    """Ports that Prometheus asks on a server."""
    found = [NODE_PORT, PROCESS_PORT, COLLECTOR_PORT]
    found += [CADDY_PORT] if has_caddy(plan, server) else []
    return tuple(found + ([POSTGRES_PORT, REDIS_PORT] if server.has("data") else []))


def own_ports(plan: Plan) -> tuple[int, ...]:
    """Every port of monitoring that is open on some server to others: no app has anything to do there."""
    shown = (PROMETHEUS_PORT, GRAFANA_PORT, LOG_PORTS[log_store(plan)], OTLP_PORT)
    exporters = (NODE_PORT, PROCESS_PORT, COLLECTOR_PORT, CADDY_PORT, POSTGRES_PORT, REDIS_PORT)
    return (*shown, *exporters)
