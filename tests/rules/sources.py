"""What rules may read: series of the programs that are asked, with the labels that Prometheus keeps of each.

As these programs gave them when they were run and asked: Caddy 2.11.7 (`metrics { per_host }`), node exporter 1.9.0,
postgres_exporter 0.17.1 and redis_exporter 1.69.0 of Debian 13, MinIO of 2026-02-12, the collector 0.160.0, Prometheus
3.16.0 and Alertmanager 0.35.0; process exporter's by its documentation, with the labels that Prometheus gives its groups. A
label `server` of theirs is `exported_server`, as targets have one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "codeb" / "templates" / "prometheus" / "rules.yml"
ALERTS: Final = RULES.with_name("alerts.yml")
RUNBOOKS: Final = ROOT / "docs" / "monitoring-runbooks.md"
OF_TARGETS: Final = frozenset({"job", "instance", "server"})

_REQUEST: Final = frozenset({"exported_server", "host", "handler", "method", "code"})
_DISK: Final = frozenset({"device", "device_error", "fstype", "mountpoint"})
_SENT: Final = frozenset({"exporter", "server_address", "server_port", "url_path"})
_SESSIONS: Final = frozenset(
    {"exported_server", "datname", "state", "usename", "application_name", "backend_type", "wait_event", "wait_event_type"}
)  # fmt: skip
_PROCESSES: Final = frozenset({"groupname", "project", "colour", "unit"})
_PROGRAMS: Final[dict[str, frozenset[str]]] = {
    "up": frozenset({"project"}),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "caddy_http_request_duration_seconds_bucket": _REQUEST | {"le"},
    "caddy_http_request_duration_seconds_count": _REQUEST,
    "caddy_http_request_duration_seconds_sum": _REQUEST,
    "namedprocess_namegroup_cpu_seconds_total": _PROCESSES | {"mode"},
    "namedprocess_namegroup_memory_bytes": _PROCESSES | {"memtype"},
    "node_cpu_seconds_total": frozenset({"cpu", "mode"}),
    "node_filesystem_avail_bytes": _DISK,
    "node_filesystem_readonly": _DISK,
    "node_filesystem_size_bytes": _DISK,
    "node_memory_MemAvailable_bytes": frozenset(),
    "node_memory_MemTotal_bytes": frozenset(),
    "node_textfile_mtime_seconds": frozenset({"file"}),
    "node_textfile_scrape_error": frozenset(),
    "pg_settings_max_connections": frozenset({"exported_server"}),
    "pg_settings_superuser_reserved_connections": frozenset({"exported_server"}),
    "pg_stat_activity_count": _SESSIONS,
    "pg_up": frozenset(),
    "redis_evicted_clients_total": frozenset(),
    "redis_instance_info": frozenset({"maxmemory_policy"}),
    "redis_memory_max_bytes": frozenset(),
    "redis_memory_used_bytes": frozenset(),
    "redis_up": frozenset(),
    "minio_cluster_health_status": frozenset({"exported_server"}),
    "otelcol_exporter_queue_capacity": frozenset({"data_type", "exporter"}),
    "otelcol_exporter_queue_size": frozenset({"data_type", "exporter"}),
    # With `_total` or without, as the collector's own telemetry is configured.
    "otelcol_exporter_sent_log_records": _SENT,
    "otelcol_exporter_sent_log_records_total": _SENT,
    "otelcol_exporter_sent_spans": _SENT,
    "otelcol_exporter_sent_spans_total": _SENT,
    "alertmanager_config_last_reload_successful": frozenset(),
    "alertmanager_notifications_failed_total": frozenset({"integration", "reason"}),
    "prometheus_config_last_reload_successful": frozenset(),
    "prometheus_notifications_dropped_total": frozenset({"alertmanager"}),
    "prometheus_rule_evaluation_failures_total": frozenset({"rule_group"}),
}


def known() -> dict[str, frozenset[str]]:
    """Labels by name of series: of programs as above, of agents as docs/monitoring-series.md says."""
    page = (ROOT / "docs" / "monitoring-series.md").read_text()
    rows = "\n".join(line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `codeb_"))
    told = {name: labels for name, labels in re.findall(r"`(codeb_\w+)(?:\{([^}]*)\})?`", rows)}
    agents = {name: frozenset(labels.split(",")) - {""} for name, labels in told.items()}
    return {name: labels | OF_TARGETS for name, labels in {**_PROGRAMS, **agents}.items()}


def names(expression: str) -> set[str]:
    """Names of series in a query: words that are neither functions, keywords, labels nor strings."""
    left = re.sub(r'"(?:\\.|[^"\\])*"', "", expression)
    left = re.sub(r"\{[^}]*\}", "", left)
    left = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", left)
    left = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", left)
    words = re.findall(r"(?<![\w:.])([A-Za-z_][\w:]*)(?!\s*\(|[\w:])", left)
    return set(words) - {"and", "or", "unless", "by", "bool", "group_left", "group_right"}


def matched(expression: str) -> list[tuple[str, set[str]]]:
    """Each name with the labels that are matched in its braces."""
    found = re.findall(r"([A-Za-z_][\w:]*)\{([^}]*)\}", expression)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))) for name, inside in found]
