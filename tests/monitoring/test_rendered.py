"""What is rendered for a watched stack is taken by the programs that read it, and lines and traces go where they should."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import MonitoringCredentials
from codeb.model.outside import parse_outside
from codeb.plan import Plan
from codeb.render import export_texts, host_files, outside_texts, release_document
from codeb.secrets import PlatformSecrets, RootSecret, resolve
from tests.cases.render.case import Case, cases, from_the_cloud
from tests.monitoring.journal import Host, booted
from tests.monitoring.processes import (
    eventually,
    get,
    jaeger,
    post,
    program,
    prometheus,
    running,
    said,
    stored,
    victorialogs,
)
from tests.ports import free_port

ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
WATCHED = [case for case in cases() if case.folder.name.startswith("watched")]
OUTSIDE = parse_outside(
    {"notifications": {"slack": ["https://hooks.example.com/x"], "webhook": ["https://ops.example.com/y"]}}
)
SERVERS = [
    pytest.param(case, server.name, id=f"{case.folder.name}-{server.name}")
    for case in WATCHED
    for server in case.plan().servers
]


def texts(plan: Plan, server: str) -> dict[str, str]:
    """Every file of a server's bundle by its path, secrets and addresses filled in."""
    told = outside_texts(OUTSIDE, "prod") | export_texts(MonitoringCredentials("Bearer token"))
    secrets = PlatformSecrets(ROOT, ["127.0.0.1"], told)
    files = host_files(plan, plan.server(server), told).files
    return {file.path: resolve(from_the_cloud(file.content), secrets.lookup) for file in files}


def laid_out(folder: Path, found: dict[str, str]) -> Path:
    """What is below `/etc/codeb`, below `folder`, with its own paths changed."""
    for path, text in found.items():
        if path.startswith("/etc/codeb/"):
            place = folder / path.removeprefix("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text.replace("/etc/codeb", str(folder / "etc/codeb")))
    return folder / "etc/codeb"


@pytest.mark.parametrize(("case", "server"), SERVERS)
def test_each_program_takes_its_configuration(case: Case, server: str, tmp_path: Path) -> None:
    found = texts(case.plan(), server)
    etc = laid_out(tmp_path, found)
    config = etc / "collector/config.yaml"
    (etc / "collector/known.yaml").write_text("[]\n")
    config.write_text(config.read_text().replace("directory: /state", f"directory: {tmp_path}"))
    said(
        program("collector"), "validate", f"--config={config}", "--feature-gates=stanza.synchronousLogEmitter"
    )
    if "monitoring" in case.plan().server(server).roles:
        said(program("promtool"), "check", "config", etc / "prometheus/prometheus.yml")
        said(program("amtool"), "check-config", etc / "alertmanager/alertmanager.yml")
        yaml.safe_load(found.get("/etc/codeb/loki/loki.yaml", "{}"))


def rendered(folder: Path, name: str, **changed: str) -> Path:
    """The configuration of the server that watches itself, with other ports and places."""
    text = texts(Case(Path(__file__).parent.parent / "cases/render/watched").plan(), "codeb1")[name]
    for old, new in (pair.split(" => ") for pair in changed.values()):
        assert old in text, old
        text = text.replace(old, new)
    path = folder / name.rpartition("/")[2]
    path.write_text(text)
    return path


def collecting(folder: Path, host: Host, *, otlp: int, metrics: int, store: str, **changed: str) -> Path:
    """The collector's, on a host of the tests: its state, what it masks and the audit log are below `folder`."""
    return rendered(
        folder,
        "/etc/codeb/collector/config.yaml",
        root=f"journalctl_path: => root_path: {host.root}\n    journalctl_path:",
        journal="directory: /var/log/journal => directory: /run/log/journal",
        state=f"directory: /state => directory: {folder}/state",
        known=f"/etc/codeb/collector/known.yaml => {folder}/known.yaml",
        audit=f"/var/log/codeb/audit.log => {folder}/audit.log",
        store=f"http://127.0.0.1:9428 => {store}",
        otlp=f"0.0.0.0:4318 => 127.0.0.1:{otlp}",
        metrics=f"port: 8888 => port: {metrics}",
        **changed,
    )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with booted(tmp_path / "host") as found:
        yield found


WRITE = """
import json, socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for fields in json.load(sys.stdin):
    journal.send("".join(f"{key}={value}\\n" for key, value in fields.items()).encode())
"""


def write(host: Host, *lines: dict[str, Any]) -> None:
    """Lines in the host's journal. What the kernel says of a sender can't be made up: units are told by container names."""
    subprocess.run(host.line("/usr/bin/python3", "-c", WRITE), input=json.dumps(lines), text=True, check=True)


def app(project: str, text: str, name: str = "blue", **more: str) -> dict[str, str]:
    container = f"codeb-{project}-{name}"
    fields = {"MESSAGE": text, "SYSLOG_IDENTIFIER": project, "CONTAINER_NAME": container}
    return {**fields, "CONTAINER_ID_FULL": container * 2, "PRIORITY": "6", **more}


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_lines_arrive_with_their_labels_whole_and_without_secrets(host: Host, tmp_path: Path) -> None:
    password = "Aa0" * 13 + "B"  # as the platform makes them
    (tmp_path / "state").mkdir()
    (tmp_path / "audit.log").write_text(
        json.dumps({"at": "2026-11-28T06:40:00Z", "project": "shop", "outcome": "released"}) + "\n"
    )
    (tmp_path / "known.yaml").write_text('- "tell\\\\.nobody"\n')
    otlp, metrics = free_port(), free_port()
    with victorialogs(tmp_path) as store:
        config = collecting(tmp_path, host, otlp=otlp, metrics=metrics, store=store)
        write(
            host,
            app("shop", f"key {password} given"),
            app("shop", "postgresql://shop:hunter22@10.0.0.1:5432/shop_db"),
            app("shop", "Authorization: Bearer abcdefgh12345678"),
            app("shop", "this tell.nobody please"),
            app("shop", f'{{"level":"info","trace_id":"{TRACE}","msg":"paid"}}'),
            *(
                app("shop", text, PRIORITY="3")
                for text in (
                    "TypeError: x is not a function",
                    "    at pay (/app/pay.js:3:1)",
                    "    at main (/app/main.js:9:2)",
                )
            ),
            app("shop", "plain after it"),
            app("shop", "first half, ", CONTAINER_PARTIAL_MESSAGE="true"),
            app("shop", "second half"),
            app("shop", "worker's", "green-w-mail.1"),
            app("shop-blue", "of another project whose name is longer"),
            app("shop", "who am I", SYSLOG_IDENTIFIER="blog"),
            {"MESSAGE": "of the platform", "SYSLOG_IDENTIFIER": "codeb-agent", "PRIORITY": "6"},
        )
        line = host.line(
            program("collector"), f"--config={config}", "--feature-gates=stanza.synchronousLogEmitter"
        )
        with running(line, tmp_path / "collector.log", f"http://127.0.0.1:{metrics}/metrics"):
            eventually("the last line", lambda: stored(store, '"of the platform"'))
            eventually("the trace", lambda: stored(store, '"is not a function"'))
            time.sleep(0.5)
            found = stored(store, "*")
    own = {
        each["_msg"]: each
        for each in found
        if each.get("project") == "shop" and each["kind"] in ("app", "worker")
    }
    everything = "\n".join(each["_msg"] for each in found)
    for secret in (password, "hunter22", "abcdefgh12345678", "tell.nobody"):
        assert secret not in everything
    assert {(each["kind"], each["colour"], each["server"]) for each in own.values()} == {
        ("app", "blue", "codeb1"),
        ("worker", "green", "codeb1"),
    }
    assert (
        "TypeError: x is not a function\n    at pay (/app/pay.js:3:1)\n    at main (/app/main.js:9:2)" in own
    )
    assert "first half, second half" in own
    assert "plain after it" in own
    (paid,) = (each for each in own.values() if "paid" in each["_msg"])
    assert paid["trace_id"] == TRACE
    (failed,) = (each for each in own.values() if each["_msg"].startswith("TypeError"))
    assert failed["severity_text"].lower() == "error"
    kinds = {each["_msg"]: (each["kind"], each.get("project", "")) for each in found}
    assert kinds["of another project whose name is longer"] == ("app", "shop-blue")
    assert kinds["who am I"] == ("platform", ""), "no app says that it is another one"
    assert kinds["of the platform"] == ("platform", "")
    (audit,) = (each for each in found if each["kind"] == "audit")
    assert (audit["project"], audit["_time"]) == ("shop", "2026-11-28T06:40:00Z")
    streams = {frozenset(re.findall(r"(\w+)=", each["_stream"])) for each in found}
    assert all(names <= {"project", "colour", "server", "kind"} for names in streams), "labels are few"


SECRET = "postgresql://shop:hunter22@10.0.0.1/shop_db"


def span(trace: str, status: int, name: str = "GET") -> dict[str, Any]:
    now = time.time_ns()
    attributes = [{"key": "http.response.status_code", "value": {"intValue": str(status)}}]
    made = {
        "traceId": trace, "spanId": trace[:16], "name": name, "kind": 2, "attributes": attributes,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000),
    }  # fmt: skip
    if status >= 500:
        made["status"] = {"code": 2, "message": f"connect {SECRET} failed"}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "caddy"}}]}
    return {"resource": resource, "scopeSpans": [{"spans": [made]}]}


def took(url: str, body: object) -> bool:
    """Whether it is taken; raises OSError while nobody listens."""
    post(url, body)
    return True


def test_of_traces_those_that_failed_are_kept_and_some_of_the_others(host: Host, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "known.yaml").write_text("[]\n")
    otlp, metrics, taken, query, own = (free_port() for _ in range(5))
    kept = rendered(
        tmp_path,
        "/etc/codeb/jaeger/jaeger.yaml",
        data=f"/data/ => {tmp_path}/",
        query=f"127.0.0.1:16686 => 127.0.0.1:{query}",
        grpc=f"127.0.0.1:16685 => 127.0.0.1:{free_port()}",
        taken=f"127.0.0.1:14318 => 127.0.0.1:{taken}",
        metrics=f"port: 18888 => port: {own}",
    )
    config = collecting(
        tmp_path,
        host,
        otlp=otlp,
        metrics=metrics,
        store="http://127.0.0.1:1",
        traces=f"http://127.0.0.1:14318 => http://127.0.0.1:{taken}",
    )
    line = host.line(
        program("collector"), f"--config={config}", "--feature-gates=stanza.synchronousLogEmitter"
    )
    url = f"http://127.0.0.1:{query}"
    with (
        jaeger(tmp_path, kept, f"{url}/api/services"),
        running(line, tmp_path / "collector.log", f"http://127.0.0.1:{metrics}/metrics"),
    ):
        bad = [f"{number:032x}" for number in range(0xBAD0001, 0xBAD0011)]
        good = [f"{number * 7919:032x}" for number in range(1, 301)]
        door = f"http://127.0.0.1:{otlp}/v1/traces"
        eventually("the collector", lambda: took(door, {"resourceSpans": []}))
        for traces, status in ((bad, 502), (good, 200)):
            name = f"GET {SECRET}" if status >= 500 else "GET"
            post(door, {"resourceSpans": [span(each, status, name) for each in traces]})
        eventually("a failed one", lambda: get(f"{url}/api/traces/{bad[-1]}")["data"])
        (failed,) = get(f"{url}/api/traces/{bad[0]}")["data"]
        time.sleep(1)
        found = {
            each["traceID"].rjust(32, "0")
            for each in get(f"{url}/api/traces?service=caddy&limit=1000&lookback=1h")["data"]
        }
    assert "hunter22" not in json.dumps(failed)
    (kept_span,) = failed["spans"]
    assert kept_span["operationName"].startswith("GET postgresql")
    assert " failed" in json.dumps(kept_span["tags"])
    assert "codeb." not in json.dumps(kept_span["tags"])
    assert set(bad) <= found
    assert 3 <= len(found & set(good)) <= 90, "a tenth of 300"


def test_prometheus_asks_apps_through_caddy_by_names_of_their_own(tmp_path: Path) -> None:
    """A real Caddy with the project's site, and Prometheus with the rendered job, ports changed."""
    door, behind, plan = free_port(), free_port(), WATCHED[0].plan()
    site = release_document(plan, plan.project("shop"))["site"]
    own = site[site.index("http://shop.metrics:2020") :].replace(":2020", f":{door}")
    own = own.replace("{file./etc/caddy/upstreams/shop}", f"127.0.0.1:{behind}")
    figure = 'shop_orders_total{host="{host}"} 7'
    (tmp_path / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\tauto_https off\n}}\n{own}\nhttp://:{door} {{\n\tmetrics /metrics\n}}\n"
        f"http://:{behind} {{\n\t@wanted path /internal/metrics\n\trespond @wanted `{figure}\n`\n\trespond 404\n}}\n"
    )
    etc = laid_out(tmp_path, texts(plan, "codeb1"))
    job = yaml.safe_load((etc / "prometheus/prometheus.yml").read_text())
    apps = [each for each in job["scrape_configs"] if each["job_name"] == "apps-codeb1"]
    apps[0] |= {"proxy_url": f"http://127.0.0.1:{door}", "scrape_interval": "1s", "scrape_timeout": "1s"}
    targets = etc / "prometheus/targets/apps-codeb1.json"
    targets.write_text(targets.read_text().replace(":2020", f":{door}"))
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": apps}))
    line = [
        str(Path(sys.executable).parent / "caddy"),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        str(tmp_path / "Caddyfile"),
    ]
    with (
        running(line, tmp_path / "caddy.log", f"http://127.0.0.1:{door}/metrics"),
        prometheus(tmp_path, tmp_path / "prometheus.yml") as url,
    ):
        found = eventually(
            "its figure", lambda: get(f"{url}/api/v1/query?query=shop_orders_total")["data"]["result"]
        )
    labels = found[0]["metric"]
    assert (labels["project"], labels["server"], labels["job"], labels["host"]) == (
        "shop",
        "codeb1",
        "app",
        "shop.lab.test",
    )
