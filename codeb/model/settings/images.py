"""`codeb:images`."""

from __future__ import annotations

from codeb.model import types as t
from codeb.model.settings.base import Setting


class Images(Setting):
    """Images of the platform's services."""

    postgres: t.ImageReference = "docker.io/library/postgres:16-alpine"
    """PostgreSQL 16."""
    redis: t.ImageReference = "docker.io/library/redis:7-alpine"
    """Redis 7."""
    minio: t.ImageReference = "docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z"
    """MinIO, in the fork that is still maintained."""
    caddy: t.ImageReference = "docker.io/library/caddy:2.11-alpine"
    """Caddy 2."""
    prometheus: t.ImageReference = "docker.io/prom/prometheus:v3.16.0"
    """Prometheus 3."""
    alertmanager: t.ImageReference = "docker.io/prom/alertmanager:v0.35.0"
    """Alertmanager."""
    grafana: t.ImageReference = "docker.io/grafana/grafana:12.4.10"
    """Grafana 12."""
    collector: t.ImageReference = "docker.io/otel/opentelemetry-collector-contrib:0.160.0"
    """The OpenTelemetry Collector, as contrib."""
    victorialogs: t.ImageReference = "docker.io/victoriametrics/victoria-logs:v1.52.1"
    """VictoriaLogs."""
    loki: t.ImageReference = "docker.io/grafana/loki:3.6.0"
    """Loki 3."""
    jaeger: t.ImageReference = "docker.io/jaegertracing/jaeger:2.13.0"
    """Jaeger 2."""
