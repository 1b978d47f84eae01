"""When an answer is healthy, and how it is asked for."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest

from agent.documents.reader import Reader
from agent.host.ports import Reply
from agent.project.health import check, judge
from agent.project.spec_reader import read_release
from agent.real.http import RealHttp
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, V2, call, run, with_caddyfile


@pytest.mark.parametrize(
    ("body", "healthy"),
    [
        (b"", True),
        (b"not json", True),
        (b"[]", True),
        (b'{"database": "ok"}', True),
        (b'{"database": true, "x": 1}', True),
        (b'{"database": {"status": "UP"}}', True),
        (b'{"checks": {"database": "connected"}}', True),
        (b'{"database": null}', True),
        (b'{"database": "error"}', False),
        (b'{"database": false}', False),
        (b'{"database": {"status": "down"}}', False),
        (b'{"database": {}}', False),
        (b'{"checks": {"database": "timeout"}}', False),
    ],
)
def test_a_database_that_is_reported_has_to_be_ok(body: bytes, healthy: bool) -> None:
    assert judge(Reply(200, body, 1, {}), 500).healthy is healthy


@pytest.mark.parametrize(
    ("status", "elapsed", "healthy"), [(200, 500, True), (200, 501, False), (204, 1, False)]
)
def test_status_and_time_count(status: int, elapsed: float, healthy: bool) -> None:
    assert judge(Reply(status, b"", elapsed, {}), 500).healthy is healthy


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_names_its_target(status: int) -> None:
    verdict = judge(Reply(status, b"moved", 1, {"location": "https://shop.lab.test/login?next=%2F"}), 500)
    assert verdict.reason == f"answered {status}, a redirect to https://shop.lab.test/login?next=%2F"


def test_an_app_that_forces_https_is_healthy_in_every_check() -> None:
    host = FakeHost(registry={V1: App(forces_https=True), V2: App(forces_https=True)})
    with_caddyfile(host)
    host.put("/etc/codeb/hold.nft", "table inet codeb_hold {\n}\n")
    gates = {"canary": {"steps": [50], "wait_ms": 1000, "max_error_percent": 5}}
    assert run(host, V1)["health"] == {"status": "healthy", "last_check": "2026-11-23T04:00:02Z"}
    assert run(host, V2, **gates)["active"] == "green"
    maintenance = {"page": "<!doctype html><p>soon</p>", "retry_after_s": 300}
    assert run(host, V2, **gates, maintenance=maintenance)["active"] == "green"
    assert run(host, V1, **gates)["active"] == "blue", "resumed"
    _, status, _ = call(host.ports(), "status")
    assert status["projects"][0]["status"] == "healthy"
    assert "shop-app" not in call(host.ports(), "doctor")[2]


def test_a_check_asks_as_caddy_does_for_a_visitor() -> None:
    """On a real socket: what the app is sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            link, _ = server.accept()
            received.append(link.recv(65536))
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            link.close()

        threading.Thread(target=answer, daemon=True).start()
        spec = read_release(Reader(release_document(V1), "")).spec
        port = server.getsockname()[1]
        spec = replace(spec, ports={"blue": port, "green": port + 1})
        assert check(replace(FakeHost().ports(), http=RealHttp()), spec, "blue").healthy
    lines = received[0].decode().split("\r\n")
    assert lines[0] == "GET /api/health HTTP/1.1"
    assert {
        "Host: shop-app.lab.test",
        "X-Forwarded-Host: shop-app.lab.test",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 127.0.0.1",
        "X-Real-IP: 127.0.0.1",
    } < set(lines)
