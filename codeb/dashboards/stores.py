"""Grafana's data sources by the names that dashboards and the provisioning file share."""

from __future__ import annotations

from typing import Final, Literal

LogStore = Literal["victorialogs", "loki"]

PROMETHEUS: Final = "prometheus"
TRACES: Final = "traces"
LOGS: Final[dict[LogStore, str]] = {"victorialogs": "victoriametrics-logs-datasource", "loki": "loki"}
"""What each is to Grafana; VictoriaLogs' is a plugin that its image doesn't have."""
