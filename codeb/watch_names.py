"""What is called how in monitoring: its services, places and accounts. The series of projects are the agent's to name."""

from __future__ import annotations

from typing import Final

PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
GRAFANA: Final = "grafana"
JAEGER: Final = "jaeger"
COLLECTOR: Final = "codeb-collector"
METRICS_SERVICE: Final = "codeb-metrics.service"
METRICS_TIMER: Final = "codeb-metrics.timer"
"""By which the agent writes its series."""

METRICS_USER: Final = "codeb_metrics"
"""Who asks PostgreSQL, Redis and MinIO for their figures."""

MONITORING_FILE: Final = "/etc/codeb/monitoring.json"
PROMETHEUS_DIR: Final = "/etc/codeb/prometheus"
TARGETS_DIR: Final = "/etc/codeb/prometheus/targets"
TEXTFILE_DIR: Final = "/var/lib/prometheus/node-exporter"
"""Where the node exporter finds series that the agent writes; the folder is of Debian's package."""


def metrics_host(project_id: str) -> str:
    """The name by which Prometheus asks Caddy for the figures of an app: `shop.metrics`. It is in no DNS."""
    return f"{project_id}.metrics"
