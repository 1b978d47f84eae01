"""Grafana's dashboards and provisioning, which can't be shown here: held to the SDK's types, to each other and to PromQL."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from codeb.dashboards.made import dashboards
from codeb.dashboards.stores import LogStore
from codeb.render.grafana import DASHBOARDS, PROVISIONING, Sources, grafana_files
from codeb.render.quote import QuoteError
from tests.grafana import asked
from tests.promtool import promtool

STORES: tuple[LogStore, ...] = get_args(LogStore)
PROJECT = 'sh"op'
RECORDED = re.compile(
    r"codeb:(platform:)?(requests:rate[15]m|errors:ratio5m|latency_seconds:(mean|p50|p95|p99))"
    r"|codeb:(cpu_cores|memory_bytes|state)"
    r"|codeb_project_(info|restarts_total|oom_total)|codeb_alert_error_ratio|codeb_release_timestamp_seconds"
    r"|codeb_certificate_expires_timestamp_seconds|codeb_archive_reached_timestamp_seconds"
    r"|codeb_backup_((last|proven)_timestamp_seconds|late|unproven)|codeb_projects"
)


def sources(store: LogStore = "victorialogs") -> Sources:
    return Sources("127.0.0.1:9090", "127.0.0.1:9428", "127.0.0.1:16686", log_store=store, scrape_s=15)


@pytest.fixture(params=STORES)
def documents(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    return {name: json.loads(text) for name, text in dashboards(request.param).items()}


def test_rendering_twice_gives_the_same_text() -> None:
    assert dashboards("loki") == dashboards("loki")


def test_the_sdk_reads_what_it_wrote(documents: dict[str, dict[str, Any]]) -> None:
    for name, document in documents.items():
        again = json.loads(JSONEncoder().encode(model.Dashboard.from_json(document)))
        again["annotations"] = document["annotations"]  # more than the SDK knows
        if name == "project.json":  # VictoriaLogs' target is of a plugin
            again["panels"][-1]["targets"] = document["panels"][-1]["targets"]
        assert again == document, name


def test_dashboards_are_told_apart_and_nobody_edits_them(documents: dict[str, dict[str, Any]]) -> None:
    assert set(documents) == {"platform.json", "project.json", "services.json", "hosts.json", "backups.json"}
    uids = [document["uid"] for document in documents.values()]
    assert len(set(uids)) == len(uids)
    for document in documents.values():
        assert document["editable"] is False
        ids = [panel["id"] for panel in document["panels"]]
        assert ids == list(range(1, len(ids) + 1))


def test_panels_lie_beside_each_other_and_never_upon_each_other(documents: dict[str, dict[str, Any]]) -> None:
    for name, document in documents.items():
        taken: set[tuple[int, int]] = set()
        for panel in document["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, f"{name}: {panel['title']} is wider than the page"
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not taken & cells, f"{name}: {panel['title']} lies upon another"
            taken |= cells


def test_every_panel_asks_something_and_says_in_which_unit(documents: dict[str, dict[str, Any]]) -> None:
    for document in documents.values():
        for panel in document["panels"]:
            assert panel["title"]
            assert panel["targets"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
            if panel["type"] in ("stat", "timeseries"):
                assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_panels_ask_for_series_that_are_recorded_or_exported(documents: dict[str, dict[str, Any]]) -> None:
    texts = {name: json.dumps(document) for name, document in documents.items()}
    found = asked(texts, PROJECT)
    names = {name for each in found for name in re.findall(r"\bcodeb[:_][a-z0-9_:]+", each.expr)}
    assert names
    assert [name for name in sorted(names) if not RECORDED.fullmatch(name)] == []


def test_releases_are_marked_where_projects_are_seen(documents: dict[str, dict[str, Any]]) -> None:
    for name in ("platform.json", "project.json"):
        [mark] = documents[name]["annotations"]["list"]
        assert mark["useValueForTime"] is True
        assert mark["expr"].startswith("(codeb_release_timestamp_seconds")
        assert mark["expr"].endswith("* 1000"), "Grafana counts in milliseconds"


def test_a_row_of_the_platform_leads_to_the_project_s_own_dashboard(
    documents: dict[str, dict[str, Any]],
) -> None:
    links = re.findall(r"/d/([a-z-]+)\?var-([a-z]+)=", json.dumps(documents["platform.json"]))
    assert links == [("codeb-project", "project")]
    project = documents["project.json"]
    assert project["uid"] == "codeb-project"
    assert [each["name"] for each in project["templating"]["list"]] == ["project"]


@pytest.mark.parametrize("store", STORES)
def test_log_lines_are_asked_in_the_store_s_own_language(store: LogStore) -> None:
    [logs] = [each for each in asked(dashboards(store), "shop") if each.panel == "Log"]
    assert logs.expr == {"loki": '{project="shop"}', "victorialogs": 'project:="shop"'}[store]


@pytest.mark.parametrize("store", STORES)
def test_dashboards_ask_only_what_is_provisioned(store: LogStore) -> None:
    files = {file.path: file.content for file in grafana_files(sources(store)).files}
    provisioned = yaml.safe_load(files[f"{PROVISIONING}/datasources/codeb.yaml"])["datasources"]
    known = {(each["uid"], each["type"]) for each in provisioned}
    for path, text in files.items():
        if path.endswith(".json"):
            used = {(uid, kind) for kind, uid in re.findall(r'"type":"([a-z-]+)","uid":"([a-z]+)"', text)}
            assert used
            assert used <= known, path
    [provider] = yaml.safe_load(files[f"{PROVISIONING}/dashboards/codeb.yaml"])["providers"]
    assert provider["options"]["path"] == DASHBOARDS
    assert provider["allowUiUpdates"] is False


def test_a_changed_dashboard_restarts_nothing_and_all_of_them_are_small() -> None:
    bundle = grafana_files(sources())
    found = [file for file in bundle.files if file.path.startswith(DASHBOARDS)]
    assert len(found) == 5
    assert not any(file.restarts for file in found)
    assert sum(len(file.content) for file in found) < 100_000


@pytest.mark.parametrize("field", ["prometheus", "logs", "traces"])
def test_an_address_that_would_be_more_than_one_is_refused(field: str) -> None:
    with pytest.raises(QuoteError):
        grafana_files(replace(sources(), **{field: "127.0.0.1:1\n    url: http://evil.test"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line", ['{"traceID":"%s"}', "trace_id=%s msg", '{"level":"info","trace_id": "%s"}', "traceId: %s"]
)
def test_a_line_s_trace_is_found_and_leads_to_the_trace(line: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    files = {file.path: file.content for file in grafana_files(sources()).files}
    [_, logs, traces] = yaml.safe_load(files[f"{PROVISIONING}/datasources/codeb.yaml"])["datasources"]
    [field] = logs["jsonData"]["derivedFields"]
    match = re.search(field["matcherRegex"], line % trace)
    assert match is not None
    assert match[1] == trace
    assert field["datasourceUid"] == traces["uid"]


def test_the_sdk_is_loaded_only_for_stacks_that_have_dashboards() -> None:
    code = "import sys, codeb.render, codeb.render.grafana; sys.exit('grafana_foundation_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_query_is_promql(tmp_path: Path) -> None:
    found = [each for each in asked(dashboards("loki"), r"sh\"op") if each.source == "prometheus"]
    assert len(found) > 60
    rules = [{"record": f"asked:{number}", "expr": each.expr} for number, each in enumerate(found)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stderr
    assert f"{len(rules)} rules found" in done.stdout
