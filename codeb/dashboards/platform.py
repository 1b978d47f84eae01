"""The platform: what the requirements draw, all projects at a glance."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from codeb.dashboards.asked import of_all
from codeb.dashboards.parts import Column, Query, columns, lines, number, page, releases

_PROJECT = "/d/codeb-project?var-project=${__data.fields.Project:percentencode}&${__url_time_range}"


def platform() -> dashboard.Dashboard:
    """Requests, latency and errors of all, and a table of projects that leads to each."""
    latency = [Query(f"codeb:platform:latency_seconds:{part}", part) for part in ("p50", "p95", "p99")]
    table = [
        Column("State", "max by (project) (codeb:state)", states=True),
        Column("Requests", "sum by (project) (codeb:requests:rate1m)", "reqps"),
        Column("Errors", "max by (project) (codeb:errors:ratio5m)", "percentunit"),
        Column("p95", "max by (project) (codeb:latency_seconds:p95)", "s"),
        Column("Memory", "sum by (project) (codeb:memory_bytes)", "bytes"),
        Column("CPU cores", "sum by (project) (codeb:cpu_cores)", "short"),
    ]
    panels = [
        number("Total requests", "short", of_all("total")),
        number("Mean response", "s", of_all("mean")),
        number("Error rate", "percentunit", of_all("errors"), bad_from=0.05),
        number("Projects not healthy", "none", "count(codeb:state > 0) or vector(0)", bad_from=1),
        lines("Latency", "s", *latency),
        lines(
            "Requests",
            "reqps",
            Query("codeb:platform:requests:rate1m", "all"),
            Query("codeb:platform:errors:ratio5m * codeb:platform:requests:rate5m", "failed"),
        ),
        columns("Projects", "project", "Project", table, link=_PROJECT),
        lines(
            "Most requests",
            "reqps",
            Query("topk(10, sum by (project) (codeb:requests:rate1m))", "{{project}}"),
        ),
        lines(
            "Most memory", "bytes", Query("topk(10, sum by (project) (codeb:memory_bytes))", "{{project}}")
        ),
        columns(
            "Alerts that fire",
            "alertname",
            "Alert",
            [Column("How many", 'count by (alertname) (ALERTS{alertstate="firing"})')],
        ),
    ]
    return page("codeb-platform", "Platform", panels).annotation(releases("codeb_release_timestamp_seconds"))
