"""The servers, and what watches them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from codeb.dashboards.parts import Query, lines, number, page, variable

_HERE = 'job="node", server=~"$server"'
_NETWORK = f'{_HERE}, device!~"lo|veth.*|podman.*"'
_TOLD = 'node_textfile_mtime_seconds{file=~".*/codeb_projects[.]prom"}'
_SENT = '{__name__=~"otelcol_exporter_sent_log_records(_total)?"}'
_DISKS = f'{_HERE}, fstype!~"tmpfs|overlay|squashfs|ramfs"'


def hosts() -> dashboard.Dashboard:
    """Processor, memory, disks and network of each server; Prometheus' and the collectors' own state."""
    idle = f'avg by (server) (rate(node_cpu_seconds_total{{{_HERE}, mode="idle"}}[5m]))'
    memory = f"1 - node_memory_MemAvailable_bytes{{{_HERE}}} / node_memory_MemTotal_bytes{{{_HERE}}}"
    free = f"node_filesystem_avail_bytes{{{_DISKS}}} / node_filesystem_size_bytes{{{_DISKS}}}"
    disk = f"max by (server, mountpoint) (1 - {free})"
    waiting = f'avg by (server) (rate(node_cpu_seconds_total{{{_HERE}, mode="iowait"}}[5m]))'
    panels = [
        number("Servers up", "none", 'sum(up{job="node"})'),
        number("Busiest processor", "percentunit", f"max(1 - {idle})", bad_from=0.9),
        number("Fullest memory", "percentunit", f"max({memory})", bad_from=0.9),
        number("Fullest disk", "percentunit", f"max({disk})", bad_from=0.85),
        lines("Processor", "percentunit", Query(f"1 - {idle}", "{{server}}"), most=1),
        lines("Memory", "percentunit", Query(memory, "{{server}}"), most=1),
        lines("Disks", "percentunit", Query(disk, "{{server}} {{mountpoint}}"), most=1),
        lines("Load", "short", Query(f"node_load5{{{_HERE}}}", "{{server}}")),
        lines(
            "Network",
            "Bps",
            Query(_traffic("receive"), "into {{server}}"),
            Query(_traffic("transmit"), "out of {{server}}"),
        ),
        lines("Waiting for disks", "percentunit", Query(waiting, "{{server}}")),
        lines("Age of what agents say", "s", Query(f"max by (server) (time() - {_TOLD})", "{{server}}")),
        lines("Log lines sent on", "ops", Query(f"sum by (server) (rate({_SENT}[5m]))", "{{server}}")),
        lines(
            "Collectors' queues",
            "none",
            Query("sum by (server) (otelcol_exporter_queue_size)", "{{server}}"),
        ),
        lines("Prometheus: series", "short", Query("prometheus_tsdb_head_series", "series")),
        lines(
            "Prometheus: memory", "bytes", Query('process_resident_memory_bytes{job="prometheus"}', "memory")
        ),
        lines(
            "Targets",
            "none",
            Query("count by (job) (up == 1)", "{{job}} up"),
            Query("sum by (job) (1 - up)", "{{job}} down"),
        ),
    ]
    choice = variable("server", "Server", 'label_values(up{job="node"}, server)', several=True)
    return page("codeb-hosts", "Hosts", panels, "now-6h").with_variable(choice)


def _traffic(way: str) -> str:
    return f"sum by (server) (rate(node_network_{way}_bytes_total{{{_NETWORK}}}[5m]))"
