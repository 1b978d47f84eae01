"""Logs and kept traces go to a place outside as well, and its troubles stay its own."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import parse_monitoring_credentials
from codeb.model.settings import Export
from codeb.plan import Plan
from codeb.render.quote import collector as quoted
from lab.receiver import Answer, Receiver, Request, receiving
from tests.cases.render.case import FOLDER, Case
from tests.monitoring.journal import Host, booted
from tests.monitoring.processes import eventually, post, program, running, stored, victorialogs
from tests.monitoring.test_rendered import app, span, texts, took, write
from tests.ports import free_port

VALUE = "Bearer abc.DEF:1/2+3=="
GATE = "--feature-gates=stanza.synchronousLogEmitter"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with booted(tmp_path / "host") as found:
        yield found


def sending_to(endpoint: str, **more: Any) -> Plan:
    """The server that watches itself, and sends elsewhere what it keeps: of traces those that failed alone."""
    plan = Case(FOLDER / "watched").plan()
    export = Export(endpoint=endpoint, header="X-Api-Key")
    monitoring = plan.settings.monitoring.model_copy(update={"export": export, "trace_percent": 0, **more})
    return replace(plan, settings=plan.settings.model_copy(update={"monitoring": monitoring}))


class Collector:
    """The rendered collector of a host, with other ports and places; `store` is the stack's own."""

    def __init__(self, host: Host, folder: Path, store: str, elsewhere: str, queue_bytes: int = 0) -> None:
        self.otlp, self.metrics = free_port(), free_port()
        self._host, self._folder = host, folder
        (folder / "state").mkdir()
        (folder / "known.yaml").write_text("[]\n")
        (folder / "header").write_text(VALUE)
        text = texts(sending_to(elsewhere), "codeb1")["/etc/codeb/collector/config.yaml"]
        changes = {
            "journalctl_path:": f"root_path: {host.root}\n    journalctl_path:",
            "directory: /var/log/journal": "directory: /run/log/journal",
            "directory: /state": f"directory: {folder}/state",
            "/etc/codeb/collector/known.yaml": f"{folder}/known.yaml",
            "/etc/codeb/secrets/monitoring-export": f"{folder}/header",
            "/var/log/codeb/audit.log": f"{folder}/audit.log",
            "http://127.0.0.1:9428": store,
            "http://127.0.0.1:14318": "http://127.0.0.1:1",
            "0.0.0.0:4318": f"127.0.0.1:{self.otlp}",
            "port: 8888": f"port: {self.metrics}",
            "queue_size: 134217728": f"queue_size: {queue_bytes or 134217728}",
        }
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "config.yaml").write_text(text)

    def running(self) -> Any:
        line = self._host.line(program("collector"), f"--config={self._folder}/config.yaml", GATE)
        return running(line, self._folder / "collector.log", f"http://127.0.0.1:{self.metrics}/metrics")


def bodies(receiver: Receiver, path: str) -> bytes:
    """All that came to this path, one behind the other."""
    return b"".join(map(plain, (each for each in list(receiver.requests) if each.path == path)))


def plain(request: Request) -> bytes:
    packed = request.headers.get("content-encoding") == "gzip"
    return gzip.decompress(request.body) if packed else request.body


def lines(found: bytes) -> list[int]:
    """Numbers of the lines `line <n>.` in there."""
    return sorted(int(number) for number in re.findall(rb"line ([0-9]+)\.", found))


def kept(store: str) -> list[int]:
    """Numbers of the lines that the stack's own store has."""
    return lines("".join(each["_msg"] for each in stored(store, '"line"')).encode())


def numbered(count: int) -> list[dict[str, str]]:
    return [app("shop", f"line {number}.") for number in range(count)]


def test_lines_without_their_secrets_and_traces_that_failed_arrive_with_the_header(
    host: Host, tmp_path: Path
) -> None:
    bad, good = f"{0xBAD0001:032x}", f"{7919:032x}"
    with receiving() as receiver, victorialogs(tmp_path) as store:
        collector = Collector(host, tmp_path, store, f"{receiver.url}/api/default")
        write(host, app("shop", "Authorization: Bearer abcdefgh12345678"), app("shop", "line 1."))
        with collector.running():
            door = f"http://127.0.0.1:{collector.otlp}/v1/traces"
            eventually("the collector", lambda: took(door, {"resourceSpans": []}))
            post(door, {"resourceSpans": [span(good, 200), span(bad, 502)]})
            logs, traces = "/api/default/v1/logs", "/api/default/v1/traces"
            eventually("the line", lambda: lines(bodies(receiver, logs)) == [1])
            eventually("the trace", lambda: bytes.fromhex(bad) in bodies(receiver, traces))
            eventually("the line in the stack's own store", lambda: kept(store) == [1])
    assert bytes.fromhex(good) not in bodies(receiver, traces), "no other trace is kept in the stack either"
    assert b"abcdefgh12345678" not in bodies(receiver, logs)
    assert b"codeb1" in bodies(receiver, logs), "lines have their labels"
    assert {each.path for each in receiver.requests} == {logs, traces}
    assert {each.headers["x-api-key"] for each in receiver.requests} == {VALUE}
    assert VALUE not in (tmp_path / "collector.log").read_text()


def test_while_it_is_away_and_its_queue_full_the_stacks_own_store_gets_each_line_once(
    host: Host, tmp_path: Path
) -> None:
    port, count = free_port(), 3000
    with victorialogs(tmp_path) as store:
        collector = Collector(host, tmp_path, store, f"http://127.0.0.1:{port}", queue_bytes=200_000)
        with collector.running():
            for first in range(0, count, 500):
                write(host, *numbered(count)[first : first + 500])
            eventually("the last line", lambda: count - 1 in kept(store))
            with receiving(port=port) as receiver:
                eventually("what had room", lambda: lines(bodies(receiver, "/v1/logs")), patience_s=60)
                write(host, app("shop", f"line {count}."))
                eventually("a later line", lambda: count in lines(bodies(receiver, "/v1/logs")))
                eventually("it in the store, too", lambda: count in kept(store))
            found = kept(store)
    assert found == list(range(count + 1)), "once each"
    there = lines(bodies(receiver, "/v1/logs"))
    assert there[0] == 0, "the oldest are kept"
    assert len(there) == len(set(there)) < count, "what came while it was full is not sent there"


def test_lines_wait_on_disk_for_it_over_an_end_of_the_collector(host: Host, tmp_path: Path) -> None:
    port, count = free_port(), 200
    with victorialogs(tmp_path) as store:
        collector = Collector(host, tmp_path, store, f"http://127.0.0.1:{port}")
        write(host, *numbered(count))
        with collector.running():
            eventually("the last line", lambda: count - 1 in kept(store))
        with receiving(port=port) as receiver, collector.running():
            eventually("all lines", lambda: len(lines(bodies(receiver, "/v1/logs"))) >= count)
    assert lines(bodies(receiver, "/v1/logs")) == list(range(count))


def test_what_it_refuses_is_sent_once_and_later_lines_go_on(host: Host, tmp_path: Path) -> None:
    with receiving() as receiver, victorialogs(tmp_path) as store:
        receiver.answers.append(Answer(401))
        collector = Collector(host, tmp_path, store, receiver.url)
        with collector.running():
            write(host, app("shop", "line 1."))
            eventually("the line that is refused", lambda: lines(bodies(receiver, "/v1/logs")) == [1])
            receiver.answers.append(Answer(503))
            write(host, app("shop", "line 2."))
            eventually("the line that is put off", lambda: lines(bodies(receiver, "/v1/logs")) == [1, 2, 2])
            eventually("both in the stack's own store", lambda: kept(store) == [1, 2])


VALUES = (
    *("Basic MTIzOmdsY19leUo=", "123", "0x1F", "1e3", "true", "null", "2026-11-28", "a:", "Bearer a: b"),
    *("a, b, c: d", "k=v&x=*", "https://token@api.example.com?grpc=4317", "a | b", "x %s %41", "a - b"),
)
TEXTS = (
    "${env:HOME}",
    "$HOME $$ $",
    'a" b: "c',
    "back\\slash \\n",
    "it's # no: comment",
    "{a: b}",
    "*a &b !c",
)


def test_what_is_taken_as_a_value_arrives_as_it_was_written_whatever_yaml_makes_of_it(tmp_path: Path) -> None:
    settings = sending_to("https://otlp.example.com").settings
    otlp, metrics = free_port(), free_port()
    with receiving() as receiver:
        values = {}
        for number, value in enumerate(VALUES):
            taken = parse_monitoring_credentials(value, settings)
            assert taken is not None
            (tmp_path / f"{number}").write_text(taken.value)
            values[f"file-{number}"] = f"${{file:{tmp_path}/{number}}}"
        values |= {f"text-{number}": quoted(text) for number, text in enumerate(TEXTS)}
        exporters = [
            f"  otlp_http/{name}:\n"
            f"    logs_endpoint: {quoted(f'{receiver.url}/{name}')}\n"
            f"    headers:\n      X-Said: {value}\n"
            for name, value in values.items()
        ]
        reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": metrics}}}}
        pipeline = {"receivers": ["otlp"], "exporters": [f"otlp_http/{name}" for name in values]}
        rest = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}}},
            "service": {"telemetry": {"metrics": {"readers": [reader]}}, "pipelines": {"logs": pipeline}},
        }
        (tmp_path / "config.yaml").write_text(f"exporters:\n{''.join(exporters)}{yaml.safe_dump(rest)}")
        line = [program("collector"), f"--config={tmp_path}/config.yaml"]
        record = {"body": {"stringValue": "hello"}}
        with running(line, tmp_path / "collector.log", f"http://127.0.0.1:{metrics}/metrics"):
            door = f"http://127.0.0.1:{otlp}/v1/logs"
            sent = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
            eventually("the collector", lambda: took(door, sent))
            eventually("each exporter", lambda: len({each.path for each in receiver.requests}) == len(values))
    found = {each.path.removeprefix("/"): each.headers["x-said"] for each in receiver.requests}
    assert found == {
        **{f"file-{number}": value for number, value in enumerate(VALUES)},
        **{f"text-{number}": text for number, text in enumerate(TEXTS)},
    }
