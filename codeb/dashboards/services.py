"""PostgreSQL, Redis, MinIO and Caddy."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from codeb.dashboards.parts import Query, lines, number, page


def services() -> dashboard.Dashboard:
    """What the shared services carry, and how near they are to their limits."""
    connections = "sum(pg_stat_activity_count) / max(pg_settings_max_connections)"
    used = "1 - minio_cluster_capacity_usable_free_bytes / minio_cluster_capacity_usable_total_bytes"
    transactions = (
        "sum by (datname) (rate(pg_stat_database_xact_commit[5m]) + rate(pg_stat_database_xact_rollback[5m]))"
    )
    hits, reads = (f"sum(rate(pg_stat_database_blks_{each}[5m]))" for each in ("hit", "read"))
    panels = [
        number("PostgreSQL connections", "percentunit", connections, bad_from=0.8),
        number("Redis instances up", "none", "sum(redis_up)"),
        number("MinIO disk used", "percentunit", f"max({used})", bad_from=0.85),
        number("Exporters not reached", "none", "count(up == 0) or vector(0)", bad_from=1),
        lines(
            "PostgreSQL: connections by database",
            "none",
            Query("topk(10, sum by (datname) (pg_stat_activity_count))", "{{datname}}"),
            Query("max(pg_settings_max_connections)", "most"),
        ),
        lines("PostgreSQL: transactions", "ops", Query(f"topk(10, {transactions})", "{{datname}}")),
        lines(
            "PostgreSQL: size of databases",
            "bytes",
            Query("topk(10, max by (datname) (pg_database_size_bytes))", "{{datname}}"),
        ),
        lines(
            "PostgreSQL: read from cache",
            "percentunit",
            Query(f"{hits} / ({hits} + {reads})", "share"),
            most=1,
        ),
        lines(
            "Redis: memory",
            "bytes",
            Query("redis_memory_used_bytes", "{{instance}}"),
            Query("redis_memory_max_bytes > 0", "most of {{instance}}"),
        ),
        lines(
            "Redis: commands",
            "ops",
            Query("sum by (instance) (rate(redis_commands_processed_total[5m]))", "{{instance}}"),
        ),
        lines("Redis: clients", "none", Query("redis_connected_clients", "{{instance}}")),
        lines(
            "Redis: keys evicted",
            "ops",
            Query("sum by (instance) (rate(redis_evicted_keys_total[5m]))", "{{instance}}"),
        ),
        lines(
            "MinIO: stored",
            "bytes",
            Query("minio_cluster_usage_total_bytes", "stored"),
            Query("minio_cluster_capacity_usable_total_bytes", "room"),
        ),
        lines(
            "MinIO: traffic",
            "Bps",
            Query("sum(rate(minio_s3_traffic_received_bytes[5m]))", "in"),
            Query("sum(rate(minio_s3_traffic_sent_bytes[5m]))", "out"),
        ),
        lines("Caddy: requests of all hosts", "reqps", Query("codeb:platform:requests:rate1m", "requests")),
        lines("Caddy: memory", "bytes", Query('process_resident_memory_bytes{job="caddy"}', "{{instance}}")),
    ]
    return page("codeb-services", "Data services", panels, "now-6h")
