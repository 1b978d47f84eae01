"""What Grafana is provisioned with: where it asks, and the dashboards. Its unit and settings are not made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from codeb import names
from codeb.dashboards.stores import LOGS, PROMETHEUS, TRACES, LogStore
from codeb.render.bundle import Directory, HostBundle, HostFile
from codeb.render.text import render

PROVISIONING: Final = f"{names.CONFIG_DIR}/grafana/provisioning"
"""On the host, and to be seen at the same path by Grafana (`GF_PATHS_PROVISIONING`)."""
DASHBOARDS: Final = f"{names.CONFIG_DIR}/grafana/dashboards"


@dataclass(frozen=True)
class Sources:
    """`host:port` of what Grafana asks. `log_store` is what answers at `logs`; `scrape_s`: how often Prometheus looks."""

    prometheus: str
    logs: str
    traces: str
    log_store: LogStore
    scrape_s: int


def grafana_files(sources: Sources) -> HostBundle:
    """Provisioning files and dashboards. Only other sources need a restart."""
    from codeb.dashboards.made import dashboards  # the SDK: only stacks with monitoring have to load it

    restarts = ("grafana.service",)
    asked = render(
        "grafana/datasources.yaml",
        prometheus=sources.prometheus,
        logs=sources.logs,
        traces=sources.traces,
        log_type=LOGS[sources.log_store],
        prometheus_uid=PROMETHEUS,
        traces_uid=TRACES,
        scrape_s=sources.scrape_s,
    )
    found = render("grafana/dashboards.yaml", folder=DASHBOARDS)
    return HostBundle(
        directories=(
            Directory(PROVISIONING),
            Directory(f"{PROVISIONING}/datasources"),
            Directory(f"{PROVISIONING}/dashboards"),
            Directory(DASHBOARDS),
        ),
        files=(
            HostFile(f"{PROVISIONING}/datasources/codeb.yaml", asked, restarts=restarts),
            HostFile(f"{PROVISIONING}/dashboards/codeb.yaml", found, restarts=restarts),
            *(HostFile(f"{DASHBOARDS}/{name}", text) for name, text in dashboards(sources.log_store).items()),
        ),
    )
