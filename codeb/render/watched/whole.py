"""What each server of a watched stack has."""

from __future__ import annotations

from collections.abc import Collection

from codeb import watch_names
from codeb.plan import Plan, ServerPlan, monitored
from codeb.render.bundle import HostBundle
from codeb.render.monitored import series_files
from codeb.render.watched.collecting import collecting_files
from codeb.render.watched.exporters import exporter_files
from codeb.render.watched.keeping import keeping_files


def on_disk(plan: Plan, server: ServerPlan) -> tuple[str, ...]:
    """Services (without extension) whose files are below the data folder."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        return ()
    kept = (watch_names.PROMETHEUS, watch_names.ALERTMANAGER, monitored.log_store(plan), watch_names.JAEGER)
    shown = (watch_names.GRAFANA,) if plan.settings.monitoring.grafana else ()
    return (watch_names.COLLECTOR, *((*kept, *shown) if server.name == watcher.name else ()))


def watched_files(plan: Plan, server: ServerPlan, configured: Collection[str]) -> HostBundle:
    """Nothing where no server has the role monitoring."""
    watcher = monitored.monitoring_server(plan)
    if watcher is None:
        return HostBundle()
    found = exporter_files(plan, server)
    if server.name == watcher.name:
        found += keeping_files(plan, server, configured)
    return found + collecting_files(plan, server, watcher) + series_files()
