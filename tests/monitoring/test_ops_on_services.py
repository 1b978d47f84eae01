"""Commands that ask monitoring, on the real Prometheus, Alertmanager, VictoriaLogs and Jaeger; series, read by promtool."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Result
from agent.monitoring import programs
from agent.monitoring.metrics import metrics
from agent.real.http import RealHttp
from codeb.ssh import SshTarget
from ops.access import Server
from ops.alerts import alerts, silence, unsilence
from ops.log_store import stored
from ops.logs import Query
from ops.scaling.figures import figures
from ops.ssh import Answer
from ops.streams import Tell
from ops.top import top
from ops.trace import Wanted, trace
from tests.monitoring.processes import (
    alertmanager,
    eventually,
    jaeger,
    post,
    program,
    prometheus,
    victorialogs,
)
from tests.ports import free_port
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, call, new_host, run

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
WATCHER = Server(
    "watch1", "default", SshTarget("10.0.0.9", 22, "root", "ssh-ed25519 AAAA", "key"), watches=True
)
SERVERS = (WATCHER,)
RULES = """
groups:
- name: made
  interval: 1s
  rules:
  - {record: "codeb:state", expr: "vector(1)", labels: {project: shop}}
  - {record: "codeb:cpu_cores", expr: "vector(0.25)", labels: {project: shop}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.25)", labels: {server: app-1, cpu: "0", mode: idle}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.15)", labels: {server: app-1, cpu: "0", mode: iowait}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.60)", labels: {server: app-1, cpu: "0", mode: user}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.20)", labels: {server: app-1, cpu: "1", mode: idle}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.10)", labels: {server: app-2, cpu: "0", mode: idle}}
  - {record: node_cpu_seconds_total, expr: "vector(time() * 0.90)", labels: {server: data-1, cpu: "0", mode: idle}}
  - {record: up, expr: vector(1), labels: {server: app-1, job: node}}
  - {record: up, expr: vector(1), labels: {server: app-2, job: node}}
  - {record: up, expr: vector(0), labels: {server: app-2, job: caddy}}
  - {record: up, expr: vector(0), labels: {server: app-1, job: process}}
  - {record: "codeb:latency_seconds:p95", expr: "vector(0) / 0", labels: {project: shop}}
  - alert: ProjectSlow
    expr: vector(1)
    labels: {project: shop, severity: warning}
    annotations: {summary: shop is slow}
  - {alert: ProjectErrors, expr: "vector(1)", for: 1h, labels: {project: shop, severity: critical}}
"""
JAEGER = """
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
  telemetry: {metrics: {level: none}}
extensions:
  healthcheckv2: {use_v2: true, http: {endpoint: "127.0.0.1:@HEALTH@"}}
  jaeger_storage: {backends: {held: {memory: {max_traces: 100}}}}
  jaeger_query:
    storage: {traces: held}
    http: {endpoint: "127.0.0.1:@HTTP@"}
    grpc: {endpoint: "127.0.0.1:@GRPC@"}
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:@OTLP@"}}}}
exporters: {jaeger_storage_exporter: {trace_storage: held}}
"""


@dataclass(frozen=True)
class Services:
    """Addresses, and the agent of the server that has them: everything is real but SSH between it and the command."""

    prometheus: str
    alertmanager: str
    logs: str
    traces: str
    otlp: str

    def ask(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        host = FakeHost()
        places = {key: getattr(self, key) for key in ("prometheus", "alertmanager", "logs", "traces")}
        host.put(paths.MONITORING, json.dumps({"version": 1, **places, "log_store": "victorialogs"}))
        code, answer, _ = call(replace(host.ports(), http=RealHttp()), verb, dict(document))
        return Answer(code, answer)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    with ExitStack() as stack:
        (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        manager = stack.enter_context(alertmanager(folder, folder / "alertmanager.yml"))
        manager = urllib.parse.urlsplit(manager).netloc
        (folder / "rules.yml").write_text(RULES)
        (folder / "prometheus.yml").write_text(
            "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
            f'alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{manager}"]}}]}}]}}\n'
        )
        rules = stack.enter_context(prometheus(folder, folder / "prometheus.yml"))
        logs = stack.enter_context(victorialogs(folder))
        ports = {name: str(free_port()) for name in ("HEALTH", "HTTP", "GRPC", "OTLP")}
        text = JAEGER
        for name, port in ports.items():
            text = text.replace(f"@{name}@", port)
        (folder / "jaeger.yaml").write_text(text)
        health = f"http://127.0.0.1:{ports['HEALTH']}/status"
        stack.enter_context(jaeger(folder, folder / "jaeger.yaml", health))
        rules, logs = (urllib.parse.urlsplit(url).netloc for url in (rules, logs))
        yield Services(rules, manager, logs, f"127.0.0.1:{ports['HTTP']}", f"127.0.0.1:{ports['OTLP']}")


def now() -> datetime:
    return datetime.now(UTC)


def nobody(*_: object) -> Tell:
    raise AssertionError("no server's journal is asked")


def test_top_shows_what_prometheus_has_worked_out(services: Services) -> None:
    def rows() -> Any:
        return top("live", SERVERS, services.ask).document["projects"]

    (row,) = eventually("a row", rows)
    assert row == {
        "project": "shop", "state": "DEGRADED", "cpu_cores": 0.25, "memory_bytes": None, "requests_per_s": None,
        "p95_s": None, "error_ratio": None,
    }  # fmt: skip


def test_an_alert_fires_is_silenced_and_fires_again(services: Services) -> None:
    def states() -> dict[str, str]:
        rows: Any = alerts("live", SERVERS, services.ask).document["alerts"]
        return {row["name"]: row["state"] for row in rows}

    fires = {"ProjectSlow": "firing", "ProjectErrors": "pending"}
    eventually("an alert", lambda: states() == fires)
    names = {"alertname": "ProjectSlow", "project": "shop"}
    made = silence(names, timedelta(hours=2), 'load "test"', "ann@laptop", now(), WATCHER, services.ask)
    assert made.ok, made.problems
    # Alertmanager may have missed the first telling, and Prometheus repeats it after a minute.
    eventually("silence", lambda: states() == {**fires, "ProjectSlow": "silenced"}, 90)
    shown: Any = alerts("live", SERVERS, services.ask).document["silences"]
    assert [(each["id"], each["what"], each["why"]) for each in shown] == [
        (made.document["id"], "alertname=ProjectSlow project=shop", 'load "test"')
    ]
    assert unsilence(str(made.document["id"]), WATCHER, services.ask).ok
    eventually("noise", lambda: states() == fires)
    unknown = unsilence("00000000-0000-0000-0000-000000000000", WATCHER, services.ask)
    assert "there is no silence" in unknown.problems[0]


CADDY = {
    "request": {"client_ip": "203.0.113.7", "method": "GET", "host": "shop.test", "uri": "/cart"},
    "status": 502, "size": 9, "duration": 0.031, "traceID": ID,
}  # fmt: skip
TEXTS = ['He said "No.*" \\ ok', f"cart failed trace={ID}", "żółw 😀 line"]


def written(services: Services) -> None:
    """Lines of two projects in the store, a second apart, and a trace."""
    began = now() - timedelta(seconds=30)
    lines = [("shop", "app", text) for text in TEXTS] + [
        ("shop", "access", json.dumps(CADDY)),
        ("blog", "app", "of blog"),
        ("shop", "error", "beside"),
    ]
    rows = [
        {
            "_time": (began + timedelta(seconds=number)).isoformat(), "_msg": text, "project": project, "kind": kind,
            "server": "app1", **({"trace_id": ID} if text == "beside" else {}),
        }
        for number, (project, kind, text) in enumerate(lines)
    ]  # fmt: skip
    url = f"http://{services.logs}/insert/jsonline?_stream_fields=project,server,kind"
    post(url, "\n".join(map(json.dumps, rows)), {"Content-Type": "application/stream+json"})
    nanoseconds = int(began.timestamp() * 1e9)
    spans = [
        _span(1, "GET /cart", nanoseconds),
        {**_span(2, "SELECT", nanoseconds), "parentSpanId": f"{1:016x}"},
    ]
    labels = [{"key": key, "value": {"stringValue": "shop"}} for key in ("service.name", "project")]
    post(
        f"http://{services.otlp}/v1/traces",
        {"resourceSpans": [{"resource": {"attributes": labels}, "scopeSpans": [{"spans": spans}]}]},
    )


def _span(number: int, name: str, began: int) -> dict[str, Any]:
    return {
        "traceId": ID,
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 2,
        "startTimeUnixNano": str(began + number),
        "endTimeUnixNano": str(began + 30_000_000),
        "status": {"code": 2},
    }


@pytest.fixture(scope="module")
def filled(services: Services) -> Services:
    written(services)
    eventually("lines", lambda: len(texts(services, Query("shop"))) == len(TEXTS) + 1)
    return services


def texts(services: Services, query: Query) -> list[str]:
    result = stored(query, "live", SERVERS, services.ask, now())
    assert result.ok, result.problems
    entries: Any = result.document["entries"]
    return [entry["text"] for entry in entries]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query("shop"), [*TEXTS, "beside"]),
        (Query("shop", lines=1), ["beside"]),
        (Query("shop", ("app", "error"), grep='NO.*" \\'), TEXTS[:1]),
        (Query("shop", grep="ŻÓŁW 😀"), TEXTS[2:]),
        (Query("shop", ("access",)), [f"203.0.113.7 GET shop.test/cart 502 9 B 31 ms trace {ID}"]),
        (Query("shop", until="86400"), []),
        (Query("shop", grep='" or project:="blog'), []),
        (Query("none"), []),
    ],
    ids=str,
)
def test_the_log_store_finds_what_is_asked_for_and_nothing_else(
    filled: Services, query: Query, found: list[str]
) -> None:
    assert texts(filled, query) == found


def test_one_request_is_joined_by_its_id(filled: Services) -> None:
    def look() -> Any:
        found = trace(Wanted(ID, "", timedelta(days=1)), "live", SERVERS, filled.ask, nobody, now())
        return found if found.document["spans"] else None

    result = eventually("a trace", look)
    document = result.document
    assert (result.ok, result.problems, document["project"]) == (True, (), "shop")
    assert [len(document[key]) for key in ("requests", "lines", "spans")] == [1, 2, 2]
    assert [line.split()[0] for line in result.lines[-2:]] == ["GET", "SELECT"]
    unknown = trace(Wanted("0" * 31 + "1", "", timedelta(days=1)), "live", SERVERS, filled.ask, nobody, now())
    assert not unknown.ok
    assert "Jaeger has no trace" in unknown.problems[0]


def test_a_service_that_is_off_is_said_and_the_others_answer(services: Services) -> None:
    less = replace(services, prometheus=f"127.0.0.1:{free_port()}", traces=f"127.0.0.1:{free_port()}")
    assert "Prometheus does not answer: prometheus on 127.0.0.1" in top("live", SERVERS, less.ask).problems[0]
    (problem,) = alerts("live", SERVERS, less.ask).problems
    assert "refused the connection" in problem


def test_promtool_reads_the_series(tmp_path: Path) -> None:
    host = new_host()
    host.folders.add(paths.TEXTFILES)
    host.answers[" ".join(programs.killed_for_memory(""))] = Result(0)
    run(host, V1, alerts={"error_percent": 5.0, "p95_ms": 1000}, metrics_path="/api/metrics")
    assert metrics(host.ports(), Reader({}, ""), "timer")["written"] is True
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=host.files[paths.SERIES].content,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_how_busy_servers_are_and_who_does_not_answer(services: Services) -> None:
    """The mean of the cores, waiting for a disk counted as idle; the exporter of processes has nothing to do with it.

    Nothing is said of the first minute, in which they would look busier than they are.
    """

    def read() -> Any:
        found = figures(WATCHER, ("app-1", "app-2"), 300, services.ask)
        busy = {each.server: each.cpu for each in found.samples}
        return (found, busy) if len(busy) == 2 else None

    found, busy = eventually("a sample of each", read, 150)
    assert busy == {"app-1": pytest.approx(70, abs=1), "app-2": pytest.approx(90, abs=1)}
    assert found.unwell == {"app-2"}
    assert abs(found.now - now().timestamp()) < 60
    assert all(found.now - 375 <= each.at <= found.now for each in found.samples), (
        "window, step, a busy machine"
    )
