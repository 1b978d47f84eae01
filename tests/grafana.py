"""What dashboards ask: every query of every panel, as Grafana sends it once its variables are filled in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One query: of which dashboard and panel, in whose language (`prometheus`, `loki`, …), of now or over time."""

    dashboard: str
    panel: str
    source: str
    expr: str
    instant: bool


def asked(
    dashboards: Mapping[str, str], project: str, server: str = ".+", seconds: int = 3600
) -> list[Asked]:
    """The queries of dashboards (file name → JSON): panels, annotations and variables."""
    values = {
        "${__from}": str(int((time.time() - seconds) * 1000)),
        "$__range": f"{seconds}s",
        "$project": project,
        "$server": server,
    }
    found = []
    for text in dashboards.values():
        for each in _found(json.loads(text)):
            expr = each.expr
            for name, value in values.items():
                expr = expr.replace(name, value)
            assert "$" not in expr, f"{each}: nobody fills this in"
            found.append(Asked(each.dashboard, each.panel, each.source, expr, each.instant))
    return found


def _found(document: dict[str, Any]) -> Iterator[Asked]:
    title = document["title"]
    for panel in document["panels"]:
        for target in panel["targets"]:
            instant = bool(target.get("instant"))
            yield Asked(title, panel["title"], target["datasource"]["type"], target["expr"], instant)
    for each in document["annotations"].get("list", ()):
        yield Asked(title, f"annotation {each['name']}", each["datasource"]["type"], each["expr"], False)
    for each in document["templating"].get("list", ()):
        series = each["query"]["query"].removeprefix("label_values(").rpartition(",")[0]
        yield Asked(title, f"variable {each['name']}", each["datasource"]["type"], series, True)
