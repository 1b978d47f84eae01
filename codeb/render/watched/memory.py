"""How much memory each service may take: shares of `codeb:monitoring.memory`, of which the exporters have a fixed part."""

from __future__ import annotations

from typing import Final, Literal

from codeb.plan import Plan

Part = Literal["prometheus", "grafana", "logs", "collector", "jaeger", "alertmanager"]

EXPORTER_MIB: Final = 24
_EXPORTERS: Final = 4
_SHARES: Final[dict[Part, int]] = {
    "prometheus": 28,
    "grafana": 22,
    "logs": 12,
    "collector": 18,
    "jaeger": 14,
    "alertmanager": 6,
}


def memory_of(plan: Plan, part: Part) -> int:
    """MiB that a service may take."""
    all_of_it = sum(
        share for each, share in _SHARES.items() if each != "grafana" or plan.settings.monitoring.grafana
    )
    return (plan.settings.monitoring.memory - _EXPORTERS * EXPORTER_MIB) * _SHARES[part] // all_of_it
