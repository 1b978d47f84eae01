"""The programs that the lab builds for monitoring do what the platform wants of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from lab.receiver import Receiver
from tests.monitoring.processes import (
    alertmanager,
    collector,
    eventually,
    filled,
    get,
    jaeger,
    post,
    program,
    prometheus,
    said,
    stored,
    text,
    version,
    victorialogs,
)
from tests.ports import free_port

TRACE = "5b8efff798038103d269b633813fc60c"
CONFIGURATIONS = Path(__file__).with_name("configurations")


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("prometheus", "--version"),
        ("promtool", "--version"),
        ("alertmanager", "--version"),
        ("amtool", "--version"),
        ("victorialogs", "-version"),
        ("jaeger", "version"),
        ("collector", "--version"),
    ],
)
def test_each_program_says_the_version_that_its_image_is_called_by(name: str, question: str) -> None:
    assert version(name) in said(program(name), question)


def test_prometheus_finds_targets_by_files_and_answers_queries(tmp_path: Path) -> None:
    targets = tmp_path / "targets"
    targets.mkdir()
    configuration = tmp_path / "prometheus.yml"
    files = [{"files": [f"{targets}/*.json"], "refresh_interval": "1s"}]
    scrape = {"job_name": "self", "scrape_interval": "1s", "file_sd_configs": files}
    configuration.write_text(json.dumps({"scrape_configs": [scrape]}))
    said(program("promtool"), "check", "config", configuration)
    with prometheus(tmp_path, configuration) as url:
        (targets / "self.json").write_text(
            json.dumps([{"targets": [url.removeprefix("http://")], "labels": {"project": "shop"}}])
        )

        def up() -> Any:
            found = get(f"{url}/api/v1/query?query=" + urllib.parse.quote('up{project="shop"}'))
            return found["data"]["result"] and found["data"]["result"][0]["value"][1] == "1"

        eventually("the target of a new file is scraped", up)


def test_promtool_tells_a_rule_that_fires_from_one_that_does_not(tmp_path: Path) -> None:
    rule = {"alert": "Down", "expr": "up == 0", "for": "2m", "labels": {"severity": "critical"}}
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "a", "rules": [rule]}]}))

    def case(expected: list[dict[str, Any]]) -> Path:
        test = {
            "interval": "1m",
            "input_series": [{"series": 'up{job="x"}', "values": "1 1 0 0 0 0"}],
            "alert_rule_test": [{"eval_time": "5m", "alertname": "Down", "exp_alerts": expected}],
        }
        path = tmp_path / "test.yml"
        path.write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [test]}))
        return path

    said(program("promtool"), "test", "rules", case([{"exp_labels": {"severity": "critical", "job": "x"}}]))
    done = subprocess.run(
        [program("promtool"), "test", "rules", case([])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    assert "Down" in done.stdout + done.stderr


def test_alertmanager_sends_to_a_webhook_and_takes_silences_from_amtool(
    tmp_path: Path, receiver: Receiver
) -> None:
    address = tmp_path / "webhook"
    address.write_text(f"{receiver.url}/alerts")
    configuration = tmp_path / "alertmanager.yml"
    webhook = {"url_file": str(address), "send_resolved": True}
    route = {
        "receiver": "ours",
        "group_by": ["alertname", "project"],
        "group_wait": "0s",
        "group_interval": "1s",
    }
    configuration.write_text(
        json.dumps({"route": route, "receivers": [{"name": "ours", "webhook_configs": [webhook]}]})
    )
    assert "SUCCESS" in said(program("amtool"), "check-config", configuration)
    with alertmanager(tmp_path, configuration) as url:
        amtool = [str(program("amtool")), f"--alertmanager.url={url}"]
        silence = ["silence", "add", "project=quiet", "--comment=known", "--author=tests", "--duration=1h"]
        assert said(*amtool, *silence).strip()
        for project in ("quiet", "shop"):
            post(f"{url}/api/v2/alerts", [{"labels": {"alertname": "Down", "project": project}}])
        eventually("the webhook is told", lambda: receiver.requests)
        shown = said(*amtool, "alert", "query", "--silenced", "--inhibited", "--active", "--output=json")
        states = {alert["labels"]["project"]: alert["status"]["state"] for alert in json.loads(shown)}
        assert states == {"quiet": "suppressed", "shop": "active"}
    projects = [
        alert["labels"]["project"] for told in receiver.documents("/alerts") for alert in told["alerts"]
    ]
    assert set(projects) == {"shop"}


def test_victorialogs_finds_lines_by_their_labels_and_keeps_them_over_a_restart(tmp_path: Path) -> None:
    labels = {"VL-Stream-Fields": "project,kind", "VL-Msg-Field": "message", "VL-Time-Field": "time"}
    with victorialogs(tmp_path, "-retentionPeriod=14d") as url:
        for project in ("shop", "blog"):
            line = {"time": "0", "message": "hello", "project": project, "kind": "app", "trace_id": TRACE}
            post(f"{url}/insert/jsonline", json.dumps(line), labels)
        eventually("the line", lambda: stored(url, 'hello {project="shop"}'))
    with victorialogs(tmp_path, "-retentionPeriod=14d") as url:
        (found,) = stored(url, f'{{project="shop"}} trace_id:{TRACE}')
    assert (found["_msg"], found["_stream"]) == ("hello", '{kind="app",project="shop"}')


def test_jaeger_keeps_traces_on_disk_over_a_restart(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("QUERY", "QUERY_GRPC", "OTLP", "HEALTH", "TELEMETRY")}
    configuration = filled(CONFIGURATIONS / "jaeger.yaml", tmp_path, DATA=str(tmp_path / "badger"), **ports)
    health = f"http://127.0.0.1:{ports['HEALTH']}/status"
    query = f"http://127.0.0.1:{ports['QUERY']}/api/traces/{TRACE}"
    with jaeger(tmp_path, configuration, health):
        post(f"http://127.0.0.1:{ports['OTLP']}/v1/traces", _span())
        eventually("the trace", lambda: get(query)["data"])
    with jaeger(tmp_path, configuration, health):
        (trace,) = eventually("the trace", lambda: get(query)["data"])
    assert [span["operationName"] for span in trace["spans"]] == ["GET /"]


def test_the_collector_has_all_that_the_platform_configures() -> None:
    has = {line.strip() for line in said(program("collector"), "components").splitlines()}
    wanted = (
        *("journald", "otlp", "file_log", "memory_limiter", "batch", "attributes", "resource", "transform"),
        *("filter", "redaction", "groupbyattrs", "tail_sampling", "probabilistic_sampler"),
        *("otlp_http", "otlp_grpc", "debug", "file_storage", "health_check", "bearertokenauth"),
    )
    assert [name for name in wanted if f"- name: {name}" not in has] == []


def test_the_collector_passes_logs_on_without_their_secrets_and_tells_of_itself(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("OTLP", "HEALTH", "TELEMETRY")}
    with victorialogs(tmp_path) as store:
        values = {"STORE": store, "TRACES": "http://127.0.0.1:1", "STATE": str(tmp_path / "state")}
        configuration = filled(CONFIGURATIONS / "collector.yaml", tmp_path, **values, **ports)
        said(program("collector"), "validate", "--config", configuration)
        with collector(tmp_path, configuration, f"http://127.0.0.1:{ports['HEALTH']}"):
            post(f"http://127.0.0.1:{ports['OTLP']}/v1/logs", _log("login with password=hunter2 failed"))
            (line,) = eventually("the line", lambda: stored(store, '{project="shop"}'))
            own = text(f"http://127.0.0.1:{ports['TELEMETRY']}/metrics")
    assert line["_msg"] == "login with password=[redacted] failed"
    assert line["trace_id"] == TRACE
    assert "otelcol_exporter_sent_log_records" in own


def test_of_many_traces_few_are_kept_and_each_with_an_error(tmp_path: Path) -> None:
    traces = [hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest() for number in range(200)]
    failed = set(traces[19::20])
    ours = {name: free_port() for name in ("OTLP", "HEALTH", "TELEMETRY")}
    theirs = {name: free_port() for name in ("QUERY", "QUERY_GRPC", "OTLP", "HEALTH", "TELEMETRY")}
    store = filled(CONFIGURATIONS / "jaeger.yaml", tmp_path, DATA=str(tmp_path / "badger"), **theirs)
    values = {
        "STORE": "http://127.0.0.1:1",
        "TRACES": f"http://127.0.0.1:{theirs['OTLP']}",
        "STATE": str(tmp_path / "state"),
    }
    configuration = filled(CONFIGURATIONS / "collector.yaml", tmp_path, **values, **ours)
    query = f"http://127.0.0.1:{theirs['QUERY']}/api/traces"
    with (
        jaeger(tmp_path, store, f"http://127.0.0.1:{theirs['HEALTH']}/status"),
        collector(tmp_path, configuration, f"http://127.0.0.1:{ours['HEALTH']}"),
    ):
        for trace in traces:
            post(f"http://127.0.0.1:{ours['OTLP']}/v1/traces", _span(trace, failed=trace in failed))
        eventually("the last trace, which failed", lambda: get(f"{query}/{traces[-1]}")["data"])
        kept = {trace["traceID"] for trace in get(f"{query}?service=shop&limit=500")["data"]}
    assert failed <= kept
    assert 0 < len(kept - failed) < 60, "of the others a tenth, by their IDs: the same ones each time"


def _labels(**values: str) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _log(message: str) -> dict[str, Any]:
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityText": "INFO",
        "body": {"stringValue": message},
        "traceId": TRACE,
        "spanId": "eee19b7ec3c1b174",
    }
    resource = {"attributes": _labels(project="shop", kind="app")}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}


def _span(trace: str = TRACE, *, failed: bool = False) -> dict[str, Any]:
    now = time.time_ns()
    span = {
        "traceId": trace,
        "spanId": "eee19b7ec3c1b174",
        "name": "GET /",
        "kind": 2,
        "status": {"code": 2 if failed else 0},
        "startTimeUnixNano": str(now - 10**6),
        "endTimeUnixNano": str(now),
    }
    resource = {"attributes": _labels(**{"service.name": "shop"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
