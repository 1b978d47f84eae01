"""What users of a rendered site get from a real Caddy: upstream, canary, maintenance, drain."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .case import FOLDER, Case
from .test_consumers import caddyfile

DOMAIN, ID = "hostile.lab.test", "hostile"
INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
PAGE = "<!doctype html><p>{env.HOME} {http.request.host} & soon</p>"


class App(BaseHTTPRequestHandler):
    """Answers with the status in the path, and claims to be someone else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/headers":
            return self._answer(200, json.dumps(self.headers.items()).encode())
        digits = self.path.strip("/")
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return self._answer(int(digits) if digits.isdigit() else 200, b"ok")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Codeb-Upstream", "9.9.9.9:9")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Site:
    """A running Caddy with the hostile project's site, and two releases of its app."""

    folder: Path
    port: int
    plain: int
    log: Path
    blue: str
    green: str

    def ask(self, path: str = "/", method: str = "GET", source: str = INSIDE, **headers: str) -> Answer:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection((INSIDE, self.port), 10, (source, 0))
        connection = http.client.HTTPConnection(DOMAIN, self.port)
        name = headers.get("Host", DOMAIN).partition(":")[0].rstrip(".").lower()
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        body = b"x" if method not in ("GET", "HEAD") else None
        connection.request(method, path, body, {"Host": DOMAIN, **headers})
        reply = connection.getresponse()
        named = {name.lower(): value for name, value in reply.getheaders()}
        answer = Answer(reply.status, reply.read().decode(), named)
        connection.close()
        return answer

    def ask_plainly(self, host: str, path: str = "/") -> Answer:
        connection = http.client.HTTPConnection(INSIDE, self.plain, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        answer = Answer(reply.status, reply.read().decode(), headers)
        connection.close()
        return answer

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def upstreams(self) -> list[str]:
        """What the access log says of who answered."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [
            line["upstream"] for line in lines if line.get("msg") == "handled request" and "upstream" in line
        ]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((INSIDE, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("serves")
    apps = [ThreadingHTTPServer((INSIDE, 0), App) for _ in range(2)]
    blue, green = (f"{INSIDE}:{app.server_address[1]}" for app in apps)
    for app in apps:
        threading.Thread(target=app.serve_forever, daemon=True).start()
    https, plain = free_ports(2)
    path = caddyfile(Case(FOLDER / "hostile"), "codeb1", root)
    text = path.read_text().replace("{\n", f"{{\n\thttps_port {https}\n\thttp_port {plain}\n", 1)
    text = text.replace("admin unix//run/caddy/admin.sock", "admin off")
    path.write_text(
        re.sub(r"^:443 ", f":{https} ", re.sub(r"^:80 ", f":{plain} ", text, flags=re.M), flags=re.M)
    )
    for file in (path, *path.parent.glob("sites/*.caddy")):
        file.write_text(file.read_text().replace("/etc/caddy", str(path.parent)))
    folder, log = path.parent, root / "caddy.log"
    for name in ("upstreams", "canaries", "maintenance"):
        (folder / name).mkdir()
    found = Site(folder, https, plain, log, blue, green)
    found.write(f"upstreams/{ID}", blue)
    found.write(f"canaries/{ID}.address", green)
    found.write(f"canaries/{ID}.weight", "0")
    program = [
        str(Path(sys.executable).parent / "caddy"),
        "run",
        "--config",
        str(path),
        "--adapter",
        "caddyfile",
    ]
    with log.open("w") as out:
        environment = {"HOME": str(root), "XDG_DATA_HOME": str(root / "data")}
        caddy = subprocess.Popen(program, stdout=out, stderr=out, env=environment)
    try:
        await_up(found)
        yield found
    finally:
        caddy.terminate()
        caddy.wait(20)
        for app in apps:
            app.shutdown()


def await_up(site: Site) -> None:
    for _ in range(100):
        try:
            site.ask()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(site.log.read_text())


def test_only_this_host_learns_who_answered_and_nobody_can_make_it_up(site: Site) -> None:
    forged = {"X-Codeb-Upstream": site.green, "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    assert site.ask(source=INSIDE, **forged).headers["x-codeb-upstream"] == site.blue
    assert "x-codeb-upstream" not in site.ask(source=OUTSIDE, **forged).headers
    assert site.upstreams()[-1] == site.blue


def test_what_no_release_answered_has_no_address(site: Site) -> None:
    assert not re.fullmatch(r"[\d.:]+", site.ask("/api/metrics").headers.get("x-codeb-upstream", ""))


def test_a_step_of_the_canary_is_a_file(site: Site) -> None:
    def answered() -> Counter[str]:
        return Counter(site.ask().headers["x-codeb-upstream"] for _ in range(20))

    assert answered() == {site.blue: 20}
    site.write(f"canaries/{ID}.weight", "50")
    assert answered() == {site.blue: 10, site.green: 10}
    assert Counter(site.upstreams()[-20:]) == {site.blue: 10, site.green: 10}
    site.write(f"canaries/{ID}.weight", "1")
    assert sum(count for address, count in answered().items() if address == site.green) <= 1
    site.write(f"canaries/{ID}.weight", "7")
    assert answered() == {site.blue: 20}, "a step that the site doesn't know sends nobody to the candidate"
    site.write(f"canaries/{ID}.weight", "0")
    assert answered() == {site.blue: 20}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_maintenance_answers_every_method_with_the_page(site: Site, method: str) -> None:
    site.write(f"maintenance/{ID}.retry", "300")
    site.write(f"maintenance/{ID}.html", PAGE)
    try:
        answer = site.ask("/any/where", method, OUTSIDE)
    finally:
        (site.folder / f"maintenance/{ID}.html").unlink()
    assert (answer.status, answer.headers["retry-after"]) == (503, "300")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body == ("" if method == "HEAD" else PAGE)
    assert site.ask().status == 200


def test_a_drain_ends_connections_by_their_answers(site: Site) -> None:
    paths = ("/", "/404", "/500", "/api/metrics")
    assert [site.ask(path).headers.get("connection") for path in paths] == [None] * len(paths)
    site.write("draining", "")
    try:
        assert [site.ask(path).headers.get("connection") for path in paths] == ["close"] * len(paths)
        upgrade = site.ask("/", Connection="Upgrade", Upgrade="websocket")
        assert upgrade.headers.get("connection") is None
    finally:
        (site.folder / "draining").unlink()
    assert site.ask().headers.get("connection") is None


MADE_UP = [
    *("X-Real-IP", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"),
    *("X-Forwarded-Prefix", "X-Forwarded-User", "X_Forwarded_For", "X-Forwarded_For", "x_real_ip", "Client-IP"),
    *("X-Client-IP", "True-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP", "CF-Connecting-IP", "CF-Visitor"),
    *("X-Original-URL", "X-Original-Host", "X-Original-Forwarded-For", "X-Rewrite-URL", "X-Host", "X-Scheme"),
    *("X-Remote-Addr", "X-Remote-User", "X-Azure-ClientIP", "X-Envoy-External-Address", "X-ProxyUser-Ip", "Proxy"),
    *("DO-Connecting-IP", "Front-End-Https", "X-Appengine-User-IP", "Remote-Addr", "Fly-Client-IP"),
]  # fmt: skip


def received(site: Site, **headers: str) -> dict[str, list[str]]:
    """What the app was sent, by names in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in json.loads(site.ask("/headers", source=OUTSIDE, **headers).body):
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.mark.parametrize("weight", ["0", "50"])
def test_what_a_visitor_says_of_proxies_never_reaches_an_app(site: Site, weight: str) -> None:
    site.write(f"canaries/{ID}.weight", weight)
    try:
        found = received(site, **dict.fromkeys(MADE_UP, "6.6.6.6"))
    finally:
        site.write(f"canaries/{ID}.weight", "0")
    assert "6.6.6.6" not in str(found)
    assert found["x-real-ip"] == found["x-forwarded-for"] == [OUTSIDE]
    assert found["x-forwarded-proto"] == ["https"]
    assert found["x-forwarded-host"] == found["host"] == [DOMAIN]


def test_headers_of_apps_own_reach_them(site: Site) -> None:
    own = {"Authorization": "Bearer x", "X-API-Key": "k", "X-Request-ID": "7", "X-Hub": "h"}
    found = received(site, **own)
    assert {name: found[name.lower()] for name in own} == {name: [value] for name, value in own.items()}


@pytest.mark.parametrize("host", [f"{DOMAIN}.", f"{DOMAIN}.:443", f"{DOMAIN.upper()}."])
def test_a_name_with_a_dot_at_its_end_leads_to_the_one_without(site: Site, host: str) -> None:
    secure = site.ask("/a/b?c=d&e=%2F", source=OUTSIDE, Host=host)
    plain = site.ask_plainly(host, "/a/b?c=d&e=%2F")
    for answer in (secure, plain):
        assert (answer.status, answer.headers["location"].lower()) == (308, f"https://{DOMAIN}/a/b?c=d&e=%2f")


@pytest.mark.parametrize("host", ["elsewhere.lab.test", "127.0.0.1", "."])
def test_a_name_that_nobody_answers_for_is_refused_as_before(site: Site, host: str) -> None:
    assert site.ask_plainly(host).status == 421
    assert site.ask(Host=f"{DOMAIN}:443").status == 200
