"""One project, chosen by a variable: so there is one dashboard, however many projects there are."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from codeb.dashboards.asked import of_one
from codeb.dashboards.parts import Query, lines, log_lines, number, page, releases, variable
from codeb.dashboards.stores import LogStore

_THIS = '{project="$project"}'


def project(store: LogStore) -> dashboard.Dashboard:
    """Its requests, latency, processor, memory, restarts, backups and log lines."""
    latency = [Query(f"codeb:latency_seconds:{part}{_THIS}", part) for part in ("p50", "p95", "p99")]
    restarts = f"sum by (colour) (increase(codeb_project_restarts_total{_THIS}[1h]))"
    out_of_memory = f"sum by (colour) (increase(codeb_project_oom_total{_THIS}[1h]))"
    failed = f"codeb:errors:ratio5m{_THIS} * codeb:requests:rate5m{_THIS}"
    age = f"time() - max(codeb_backup_last_timestamp_seconds{_THIS})"
    panels = [
        number("Total requests", "short", of_one("total"), span=4),
        number("Mean response", "s", of_one("mean"), span=4),
        number("Error rate", "percentunit", of_one("errors"), span=4, bad_from=0.05),
        number(
            "Restarts", "none", f"sum(increase(codeb_project_restarts_total{_THIS}[1h]))", span=4, bad_from=1
        ),
        number("Age of the last backup", "s", age, span=4),
        number(
            "Certificate ends in",
            "s",
            f"min(codeb_certificate_expires_timestamp_seconds{_THIS}) - time()",
            span=4,
        ),
        lines("Latency", "s", *latency, Query(f"codeb:latency_seconds:mean{_THIS}", "mean")),
        lines("Requests", "reqps", Query(f"codeb:requests:rate1m{_THIS}", "all"), Query(failed, "failed")),
        lines(
            "Error rate",
            "percentunit",
            Query(f"codeb:errors:ratio5m{_THIS}", "errors"),
            Query(f"codeb_alert_error_ratio{_THIS}", "alert at"),
        ),
        lines(
            "State (0 healthy, 1 degraded, 2 down, 3 maintenance)",
            "none",
            Query(f"codeb:state{_THIS}", "state"),
            most=3,
        ),
        lines("Processor cores", "short", Query(f"codeb:cpu_cores{_THIS}", "cores")),
        lines("Memory", "bytes", Query(f"codeb:memory_bytes{_THIS}", "memory")),
        lines(
            "Restarts and out of memory, by hour",
            "none",
            Query(restarts, "restarts of {{colour}}"),
            Query(out_of_memory, "out of memory, {{colour}}"),
        ),
        lines("Releases", "none", Query(f"count by (release) (codeb_project_info{_THIS})", "{{release}}")),
        log_lines("Log", store, {"loki": '{project="$project"}', "victorialogs": 'project:="$project"'}),
    ]
    choice = variable("project", "Project", "label_values(codeb_project_info, project)")
    return (
        page("codeb-project", "Project", panels)
        .with_variable(choice)
        .annotation(releases(f"codeb_release_timestamp_seconds{_THIS}"))
    )
