"""What dashboards are made of: a panel a function, on the SDK's builders, so that no dashboard knows of Grafana's JSON.

Queries have fixed windows (`[5m]`) instead of Grafana's `$__rate_interval`: what a panel asks can be asked of Prometheus as
it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from grafana_foundation_sdk.builders import common, dashboard, logs, stat, table, timeseries
from grafana_foundation_sdk.builders import loki as loki_builder
from grafana_foundation_sdk.builders import prometheus as prometheus_builder
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from codeb.dashboards.stores import LOGS, PROMETHEUS, LogStore

Panel = cog.Builder[model.Panel]
Unit = Literal["reqps", "ops", "s", "percentunit", "bytes", "Bps", "short", "none", "dateTimeFromNow"]

_STATES: Final = (("HEALTHY", "green"), ("DEGRADED", "orange"), ("DOWN", "red"), ("MAINTENANCE", "purple"))
_HEIGHT: Final = 8


@dataclass(frozen=True)
class Query:
    """One line of a chart: PromQL, and what it is called (`{{project}}` is a label)."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Column:
    """One column of a table: PromQL whose series have the table's label alone, and how its values are shown."""

    head: str
    expr: str
    unit: Unit = "none"
    states: bool = False


def source() -> model.DataSourceRef:
    """Prometheus, as the provisioning file names it."""
    return model.DataSourceRef(type_val="prometheus", uid=PROMETHEUS)


def lines(title: str, unit: Unit, *queries: Query, span: int = 12, most: float | None = None) -> Panel:
    """Lines over time; `most` is the axis' end."""
    legend = common.VizLegendOptions().show_legend(True).placement(common_model.LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI)
    panel = (
        timeseries.Panel()
        .title(title)
        .datasource(source())
        .unit(unit)
        .min(0)
        .span(span)
        .height(_HEIGHT)
        .legend(legend.display_mode(common_model.LegendDisplayMode.LIST))
        .tooltip(tooltip.sort(common_model.SortOrder.DESCENDING))
        .show_points(common_model.VisibilityMode.NEVER)
    )
    if most is not None:
        panel = panel.max(most)
    for index, query in enumerate(queries):
        panel = panel.with_target(_target(query.expr, index).legend_format(query.legend).range())
    return panel


def number(title: str, unit: Unit, expr: str, span: int = 6, bad_from: float | None = None) -> Panel:
    """One figure of now; red from `bad_from` on."""
    steps = [model.Threshold(value=None, color="green")]
    if bad_from is not None:
        steps.append(model.Threshold(value=bad_from, color="red"))
    return (
        stat.Panel()
        .title(title)
        .datasource(source())
        .unit(unit)
        .span(span)
        .height(4)
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .color_mode(common_model.BigValueColorMode.VALUE)
        .thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("none")
        .with_target(_target(expr, 0).instant())
    )


def columns(
    title: str, label: str, head: str, found: Sequence[Column], link: str | None = None, span: int = 24
) -> Panel:
    """A table with a row for each value of a label; `link` is where that value leads."""
    panel = table.Panel().title(title).datasource(source()).span(span).height(_HEIGHT + 2).filterable(True)
    names = {label: head}
    for index, column in enumerate(found):
        target = _target(column.expr, index).instant().format(prometheus_model.PromQueryFormat.TABLE)
        panel = panel.with_target(target).override_by_name(column.head, _shown(column))
        # Of a single query Grafana calls the values plainly so.
        names["Value" if len(found) == 1 else f"Value #{_letter(index)}"] = column.head
    if link is not None:
        links = [{"title": "Its dashboard", "url": link}]
        panel = panel.override_by_name(head, [model.DynamicConfigValue(id_val="links", value=links)])
    organized = {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": names}
    return panel.with_transformation(
        model.DataTransformerConfig(id_val="merge", options={})
    ).with_transformation(model.DataTransformerConfig(id_val="organize", options=organized))


def log_lines(title: str, store: LogStore, queries: Mapping[LogStore, str], span: int = 24) -> Panel:
    """Newest lines of the log store, asked in its own language."""
    panel = (
        logs.Panel()
        .title(title)
        .datasource(_logs(store))
        .span(span)
        .height(_HEIGHT + 4)
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(common_model.LogsSortOrder.DESCENDING)
    )
    target: cog.Builder[variants.Dataquery]
    if store == "loki":
        target = (
            loki_builder.Dataquery().expr(queries[store]).ref_id("A").datasource(_logs(store)).max_lines(500)
        )
    else:
        target = _Logs(queries[store])
    return panel.with_target(target)


def releases(expr: str) -> cog.Builder[model.AnnotationQuery]:
    """Marks on every chart where a release began to serve: the series' value is the moment."""
    asked = f"({expr} > ${{__from}} / 1000) * 1000"
    return _Releases(asked)


def variable(name: str, label: str, query: str, several: bool = False) -> cog.Builder[model.VariableModel]:
    """A choice of a label's values."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(source())
        .query({"query": query, "refId": name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )


def page(uid: str, title: str, panels: Sequence[Panel], span: str = "now-1h") -> dashboard.Dashboard:
    """A dashboard that nobody edits in Grafana, with links to the others; `uid` is its address for good."""
    others = (
        dashboard.DashboardLink("CodeB")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags(["codeb"])
        .keep_time(True)
    )
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["codeb"])
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time(span, "now")
        .refresh("30s")
        .link(others)
    )
    for index, panel in enumerate(panels, 1):
        made = made.with_panel(_numbered(panel, index))
    return made


class _Logs(cog.Builder[variants.Dataquery]):
    """A query of VictoriaLogs' data source, which is a plugin and so not of the SDK."""

    def __init__(self, expr: str) -> None:
        self._query = _LogsQuery(expr)

    def build(self) -> variants.Dataquery:
        return self._query


class _LogsQuery(variants.Dataquery):
    def __init__(self, expr: str) -> None:
        self._expr = expr

    def to_json(self) -> dict[str, object]:
        return {
            "refId": "A",
            "datasource": _logs("victorialogs"),
            "expr": self._expr,
            "queryType": "instant",
            "maxLines": 500,
        }


class _Releases(cog.Builder[model.AnnotationQuery]):
    def __init__(self, expr: str) -> None:
        self._expr = expr

    def build(self) -> model.AnnotationQuery:
        return _ReleaseQuery(
            name="Releases", datasource=source(), enable=True, icon_color="blue", expr=self._expr
        )


class _ReleaseQuery(model.AnnotationQuery):
    """With what Prometheus' data source knows of annotations besides: the SDK has only `expr`."""

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {
            "titleFormat": "{{project}} {{release}}",
            "textFormat": "Release {{release}} of {{project}}",
            "tagKeys": "project",
            "step": "60s",
            "useValueForTime": True,
        }


def _logs(store: LogStore) -> model.DataSourceRef:
    return model.DataSourceRef(type_val=LOGS[store], uid="logs")


def _target(expr: str, index: int) -> prometheus_builder.Dataquery:
    return prometheus_builder.Dataquery().expr(expr).ref_id(_letter(index)).datasource(source())


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _numbered(panel: Panel, number: int) -> Panel:
    built = panel.build()
    built.id_val = number
    return _Built(built)


class _Built(cog.Builder[model.Panel]):
    def __init__(self, panel: model.Panel) -> None:
        self._panel = panel

    def build(self) -> model.Panel:
        return self._panel


def _shown(column: Column) -> list[model.DynamicConfigValue]:
    found = [model.DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.states:
        options = {
            str(value): model.ValueMappingResult(text=name, color=color, index=value)
            for value, (name, color) in enumerate(_STATES)
        }
        found.append(model.DynamicConfigValue(id_val="mappings", value=[model.ValueMap(options=options)]))
        found.append(model.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
    return found
