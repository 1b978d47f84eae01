"""What visitors of a stack with several edges and replicas get from real Caddys while one of them is ill or gone."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from signal import Signals

import pytest

from .caddies import ABROAD, HERE, Server, running
from .case import FOLDER, Case

SHOP, SOLO, WORKER, BLOG = (f"{name}.example.com" for name in ("shop", "solo", "worker", "blog"))
IN_A_ROW = 20
"""Answers of others after which a replica is out of use."""


@dataclass
class Load:
    """GETs and POSTs, one after the other on connections of their own, and what became of each."""

    server: Server
    host: str
    pause_s: float = 0.02
    seen: list[tuple[float, str, str, float]] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._going = True
        self._threads = [threading.Thread(target=self._work, args=(method,)) for method in ("GET", "POST")]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        for thread in self._threads:
            thread.join(60)

    def _work(self, method: str) -> None:
        while self._going:
            began = time.monotonic()
            try:
                answer = self.server.ask(
                    self.host, "/", method, body=b"x" if method == "POST" else None, timeout=6
                )
                what = answer.body.split()[0] if answer.status == 200 else str(answer.status)
            except OSError as error:
                what = type(error).__name__
            self.seen.append((began, method, what, time.monotonic() - began))
            time.sleep(self.pause_s)

    def left(self, who: str, seconds: float = 60) -> float:
        """A moment from which on nobody is sent to this replica, nor to none; waits for it."""
        end = time.monotonic() + seconds
        while True:
            last = self.seen[-IN_A_ROW:]
            if len(last) == IN_A_ROW and all("@" in what and what != who for _, _, what, _ in last):
                return max(began for began, *_ in last)
            assert time.monotonic() < end, f"{who} is still asked: {last}"
            time.sleep(0.05)

    def answers(self, since: float = 0, until: float = 1e18) -> Counter[str]:
        return Counter(what for began, _, what, _ in self.seen if since <= began < until)

    def failed(self, since: float = 0) -> list[tuple[float, str, str, float]]:
        return [
            (round(began - since, 2), *rest)
            for began, *rest in self.seen
            if began >= since and "@" not in rest[1]
        ]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(Case(FOLDER / "several-edges"), tmp_path_factory.mktemp("edges")) as servers:
        time.sleep(3)  # the first checks come before the doors are open, the second ones after 2 s
        yield servers


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """An edge that runs no app, and two servers that do."""
    with running(Case(FOLDER / "fleet"), tmp_path_factory.mktemp("apart")) as servers:
        yield servers


@pytest.fixture
def web1(stack: dict[str, Server]) -> Iterator[Server]:
    """The first edge, with everything well again afterwards."""
    yield stack["web1"]
    for server in stack.values():
        for project, app in server.apps.items():
            server.state(project, "")
            if app.running is None:
                app.start()
    for server in (stack["web1"], stack["web2"]):
        await_answer(server, SHOP, f"shop@{server.name}")


def await_answer(server: Server, host: str, who: str, seconds: float = 40) -> float:
    """Seconds until the edge's visitors are answered by this replica."""
    start = time.monotonic()
    while server.ask(host).body.split()[:1] != [who]:
        assert time.monotonic() - start < seconds, f"{host} is not answered by {who}"
        time.sleep(0.05)
    return time.monotonic() - start


def test_each_edge_reaches_each_project_its_own_replica_first(stack: dict[str, Server], web1: Server) -> None:
    answered = {
        (edge, host): Counter(stack[edge].ask(host).body.split()[0] for _ in range(10))
        for edge in ("web1", "web2")
        for host in (SHOP, SOLO, WORKER)
    }
    solo = next(iter(answered["web1", SOLO]))
    assert answered == {
        ("web1", SHOP): {"shop@web1": 10},
        ("web2", SHOP): {"shop@web2": 10},
        ("web1", SOLO): {solo: 10},
        ("web2", SOLO): {solo: 10},
        ("web1", WORKER): {"worker@work1": 10},
        ("web2", WORKER): {"worker@work1": 10},
    }


def test_an_edge_without_a_replica_asks_them_in_turn(apart: dict[str, Server]) -> None:
    answered = Counter(apart["edge1"].ask(BLOG).body.split()[0] for _ in range(20))
    assert set(answered) == {"blog@app1", "blog@app2"}
    assert min(answered.values()) >= 8


@pytest.mark.parametrize("host", [SHOP, SOLO, WORKER])
@pytest.mark.parametrize("edge", ["web1", "web2"])
def test_an_app_is_told_of_its_visitor_through_two_hops(
    stack: dict[str, Server], edge: str, host: str
) -> None:
    made_up = {
        name: "6.6.6.6"
        for name in (
            "X-Forwarded-For",
            "X-Real-IP",
            "Forwarded",
            "X-Forwarded-Host",
            "X-Codeb-Check",
            "Client-IP",
        )
    }
    said: dict[str, list[str]] = {}
    for name, value in json.loads(stack[edge].ask(host, "/headers", **made_up).body):
        said.setdefault(name.lower(), []).append(value)
    if host != SOLO:
        assert "6.6.6.6" not in str(said)
    assert said["x-real-ip"] == said["x-forwarded-for"] == [ABROAD]
    assert (said["x-forwarded-proto"], said["x-forwarded-host"], said["host"]) == (["https"], [host], [host])


@pytest.mark.parametrize("name", ["shop.inner", "worker.inner", "shop.example.com", "other.inner", HERE])
def test_nobody_but_an_edge_is_heard_at_the_inner_door(stack: dict[str, Server], name: str) -> None:
    forged = {"X-Forwarded-For": "1.2.3.4", "X-Codeb-Check": "edge"}
    for server in stack.values():
        for headers in ({}, forged):
            with pytest.raises(OSError, match=r"closed|reset"):
                server.ask_plainly(name, door="inner", source="127.0.0.9", **headers)


def test_an_edge_that_asks_for_what_isn_t_here_is_told_to_ask_the_next(stack: dict[str, Server]) -> None:
    with pytest.raises(OSError, match=r"closed|reset"):
        stack["work1"].ask_plainly("shop.inner", door="inner", source=HERE)


def test_only_the_host_itself_learns_which_release_of_which_replica_answered(
    stack: dict[str, Server],
) -> None:
    web1, web2, work1 = stack["web1"], stack["web2"], stack["work1"]
    own = web1.ask(SHOP, source=HERE).headers
    assert own["x-codeb-upstream"] == f"{HERE}:{web1.ports['inner']}"
    assert own["x-codeb-replica"] == web1.addresses["shop"]
    far = web2.ask(WORKER, source=HERE).headers
    assert (far["x-codeb-upstream"], far["x-codeb-replica"]) == (
        f"{HERE}:{work1.ports['inner']}",
        work1.addresses["worker"],
    )
    for host in (SHOP, WORKER):
        assert not {"x-codeb-upstream", "x-codeb-replica"} & set(web1.ask(host).headers)


@pytest.mark.parametrize("number", [Signals.SIGTERM, Signals.SIGKILL])
def test_a_replica_that_is_killed_under_load_fails_nobody(web1: Server, number: Signals) -> None:
    with Load(web1, SHOP) as load:
        time.sleep(1)
        web1.apps["shop"].end(number)
        gone = time.monotonic()
        out = load.left("shop@web1")
        time.sleep(1)
        web1.apps["shop"].start()
        back = time.monotonic()
        await_answer(web1, SHOP, "shop@web1")
        time.sleep(1)
    failed = load.failed()
    assert [each for each in failed if each[1] == "GET"] == []
    assert len(failed) <= 4, f"POSTs that were under way when it was killed: {failed}"
    assert set(load.answers(out, back)) == {"shop@web2"}
    assert "shop@web1" in load.answers(back), "the replica that is back serves its own edge again"
    print(
        f"\n{number.name}: {len(load.seen)} requests, out after {out - gone:.1f} s, failed {failed}, "
        f"slowest {max(seconds for *_, seconds in load.seen):.2f} s"
    )


@pytest.mark.parametrize("words", ["sick", "slow"])
def test_a_replica_whose_health_check_fails_is_out(web1: Server, words: str) -> None:
    with Load(web1, SHOP) as load:
        time.sleep(0.5)
        web1.state("shop", words)
        began = time.monotonic()
        out = load.left("shop@web1")
        time.sleep(2)
    assert load.failed() == []
    assert set(load.answers(out)) == {"shop@web2"}
    web1.state("shop", "")
    print(
        f"\n{words}: out after {out - began:.1f} s, back after {await_answer(web1, SHOP, 'shop@web1'):.1f} s"
    )


def test_replicas_that_are_all_ill_are_asked_nevertheless(stack: dict[str, Server], web1: Server) -> None:
    for name in ("web1", "web2"):
        stack[name].state("shop", "sick")
    time.sleep(5)
    for method in ("GET", "POST"):
        answer = web1.ask(SHOP, "/", method, body=b"x" if method == "POST" else None)
        assert (answer.status, answer.body[:5]) == (200, "shop@")


def ill(edge: Server, server: Server, seconds: float) -> bool:
    """Whether this machine was too slow for the health checks of a server that is well; then all are asked."""
    door, since = f"{HERE}:{server.ports['inner']}", time.time() - seconds
    lines = [json.loads(line) for line in edge.caddy.log.read_text().splitlines() if line.startswith("{")]
    return any(
        line.get("host") == door and "failed" in line["msg"] and line["ts"] > since
        for line in lines
        if str(line.get("logger", "")).endswith("health_checker.active")
    )


@pytest.mark.parametrize("how", ["off", "frozen"])
def test_a_server_that_goes_is_out(apart: dict[str, Server], how: str) -> None:
    edge, app1 = apart["edge1"], apart["app1"]
    with Load(edge, BLOG) as load:
        time.sleep(1)
        if how == "off":
            app1.caddy.end(Signals.SIGKILL)
        else:
            app1.caddy.send(Signals.SIGSTOP)
        gone = time.monotonic()
        out = load.left("blog@app1")
        time.sleep(3)
        if how == "off":
            app1.caddy.start()
        else:
            app1.caddy.send(Signals.SIGCONT)
        back = time.monotonic()
        await_answer(edge, BLOG, "blog@app1")
    if not ill(edge, apart["app2"], seconds=back - gone + 6):
        assert load.failed(out) == []
        # A request of the last second may have been under way when the server went on.
        assert set(load.answers(out, back - 1)) == {"blog@app2"}
    print(f"\n{how}: {len(load.seen)} requests, out after {out - gone:.1f} s, failed {load.failed(gone)}")


def crashes(stack: dict[str, Server]) -> list[str]:
    found = [path for server in stack.values() for path in server.folder.parent.parent.glob("shop.crashes")]
    return [line for path in found for line in path.read_text().split()]


def test_a_post_that_an_app_has_got_is_never_sent_twice(stack: dict[str, Server], web1: Server) -> None:
    before = len(crashes(stack))
    assert web1.ask(SHOP, "/crash", "POST", body=b"order").status == 502
    assert crashes(stack)[before:] == ["POST"]
    assert web1.ask(SHOP).body == "shop@web1 ", "one request that an app breaks off is no reason to leave it"


def test_visitors_who_break_off_uploads_take_no_replica_from_the_others(web1: Server) -> None:
    """Caddy counts what fails on the visitor's side against the replica, too."""
    with Load(web1, SHOP) as load:
        for _ in range(15):
            with socket.create_connection((HERE, web1.ports["https"]), 5, (ABROAD, 0)) as plain:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                sock = context.wrap_socket(plain, server_hostname=SHOP)
                sock.sendall(
                    f"POST / HTTP/1.1\r\nHost: {SHOP}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode()
                )
                time.sleep(0.05)
            assert web1.ask(SHOP, "/", "POST", body=b"x" * 2_000_000).status in (413, 503)
    assert load.failed() == []


def test_uploads_metrics_and_aliases_are_as_on_one_server(web1: Server) -> None:
    assert web1.ask(SHOP, "/", "POST", body=b"x" * 1_100_000).status == 413
    assert web1.ask(SHOP, "/api/metrics").status == 404
    alias = web1.ask(f"www.{SHOP}", "/a?b=c")
    assert (alias.status, alias.headers["location"]) == (308, f"https://{SHOP}/a?b=c")


def test_an_error_of_the_app_is_the_app_s_own_answer(web1: Server) -> None:
    for status in (500, 502, 503, 504):
        assert web1.ask(SHOP, f"/status/{status}").status == status
    assert web1.ask(SHOP).body == "shop@web1 "


def test_canary_and_maintenance_are_files_of_the_replica_s_own_server(
    stack: dict[str, Server], web1: Server
) -> None:
    web2 = stack["web2"]
    web1.write("canaries/shop.address", web2.addresses["shop"])
    try:
        web1.write("canaries/shop.weight", "50")
        said = Counter(web1.ask(SHOP, source=HERE).headers["x-codeb-replica"] for _ in range(20))
        assert said == {web1.addresses["shop"]: 10, web2.addresses["shop"]: 10}
        logged = [line.get("upstream") for line in web1.logged() if line["request"]["host"] == "shop.inner"]  # type: ignore[index]
        assert Counter(logged[-20:]) == said, "the agent counts a canary's answers in this log"
        web1.write("canaries/shop.address", f"{HERE}:9")
        assert {web1.ask(SHOP).status for _ in range(20)} == {200}, "a candidate that refuses is not seen"
    finally:
        web1.write("canaries/shop.weight", "0")
    web1.write("maintenance/shop.retry", "300")
    web1.write("maintenance/shop.html", "<p>soon</p>")
    try:
        time.sleep(3)
        answer = web1.ask(SHOP, "/any", "POST", body=b"x")
        assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, "<p>soon</p>", "300")
        assert stack["web2"].ask(SHOP).status == 200
    finally:
        (web1.folder / "maintenance/shop.html").unlink()
    assert web1.ask(SHOP).body == "shop@web1 "


def test_health_checks_are_not_in_the_access_log(web1: Server) -> None:
    time.sleep(2.5)
    asked = [line for line in web1.logged() if "/api/health" in str(line["request"])]
    assert asked == []


@pytest.mark.parametrize("host", [SHOP, WORKER])
def test_websockets_and_event_streams_pass_two_hops(
    stack: dict[str, Server], web1: Server, host: str
) -> None:
    with socket.create_connection((HERE, web1.ports["https"]), 5, (ABROAD, 0)) as plain:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(plain, server_hostname=host)
        key = base64.b64encode(os.urandom(16)).decode()
        head = ["GET / HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
        head += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        sock.sendall("\r\n".join([*head, "", ""]).encode())
        assert b"101" in sock.recv(2000).split(b"\r\n")[0]
        for word in (b"hello", b"again"):
            sock.sendall(b"\x81" + bytes([0x80 | len(word)]) + b"\0\0\0\0" + word)
            assert sock.recv(100) == b"\x81" + bytes([len(word)]) + word
    assert arrivals(web1, host) > 0.8, "events come one by one, not when all are there"


def arrivals(server: Server, host: str) -> float:
    """Seconds between the first and the last event of a stream."""
    with socket.create_connection((HERE, server.ports["https"]), 5, (ABROAD, 0)) as plain:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(plain, server_hostname=host)
        sock.sendall(f"GET /stream HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        times, text = [], b""
        while part := sock.recv(4096):
            text += part
            times += [time.monotonic()] * part.count(b"data:")
    assert text.count(b"data:") == 3
    return times[-1] - times[0]


def test_a_drain_reaches_the_inner_door(stack: dict[str, Server]) -> None:
    work1 = stack["work1"]
    work1.write("draining", "")
    try:
        answer = work1.ask_plainly("worker.inner", door="inner", source=HERE)
        assert answer.headers.get("connection") == "close"
    finally:
        (work1.folder / "draining").unlink()
    assert work1.ask_plainly("worker.inner", door="inner", source=HERE).headers.get("connection") is None
