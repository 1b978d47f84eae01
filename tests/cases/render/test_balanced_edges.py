"""What visitors who come through a balancer get from real Caddys: whose address counts, and when an edge goes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import pytest

from codeb.render import host_files
from codeb.render.edge import SHUTDOWN_DELAY_S

from .balancers import BALANCER, balanced, proxy, received
from .caddies import ABROAD, HERE, Answer, Server, running, wait_until
from .case import FOLDER, Case

VISITOR = "198.51.100.9"
SHOP, METRICS, S3 = "shop.example.com", "metrics.example.com", "s3.example.com"
CASE = Case(FOLDER / "several-edges")


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(CASE, tmp_path_factory.mktemp("passing"), balanced(CASE, "passthrough")) as servers:
        yield servers


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(CASE, tmp_path_factory.mktemp("ending"), balanced(CASE, "terminate")) as servers:
        yield servers


def test_an_app_learns_the_address_that_the_balancer_tells(passing: dict[str, Server]) -> None:
    for edge in ("web1", "web2"):
        said = received(passing[edge].ask(SHOP, "/headers", source=BALANCER, before=proxy(VISITOR)))
        assert said["x-real-ip"] == said["x-forwarded-for"] == VISITOR
        line = next(line for line in reversed(passing[edge].logged()) if line["request"]["host"] == SHOP)  # type: ignore[index]
        assert line["request"]["client_ip"] == line["request"]["remote_ip"] == VISITOR  # type: ignore[index]


def test_connections_without_it_still_work(passing: dict[str, Server]) -> None:
    for source in (HERE, ABROAD, BALANCER):
        assert received(passing["web1"].ask(SHOP, "/headers", source=source))["x-real-ip"] == source
    assert (
        passing["web1"].ask(SHOP, source=HERE).headers["x-codeb-replica"] == passing["web1"].addresses["shop"]
    )


def test_nobody_else_may_say_for_whom_he_comes(passing: dict[str, Server]) -> None:
    for door, ask in (("https", passing["web1"].ask), ("http", passing["web1"].ask_plainly)):
        try:
            answer = ask(SHOP, "/headers", source=ABROAD, before=proxy("10.0.0.1"))
        except OSError:
            continue
        assert answer.status == 400, door


def test_a_visitor_is_not_private_because_the_balancer_is(passing: dict[str, Server]) -> None:
    ask = passing["web1"].ask
    assert ask(METRICS, source=BALANCER, before=proxy(VISITOR)).status == 403
    assert ask(METRICS, source=BALANCER).status == 403, (
        "who comes without an address is the balancer's, whoever it is"
    )
    assert ask(METRICS, source=HERE).status == 502, "nothing listens there yet, but it was asked"


def test_a_visitor_is_never_taken_for_this_host(passing: dict[str, Server]) -> None:
    answer = passing["web1"].ask(SHOP, source=BALANCER, before=proxy(VISITOR))
    assert not {"x-codeb-upstream", "x-codeb-replica"} & set(answer.headers)


@pytest.mark.parametrize("stack", ["passing", "ending"])
def test_the_balancer_s_health_check_is_answered_by_address_alone(
    stack: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(stack)["web1"]
    for host in ("203.0.113.1", "203.0.113.1:80", "10.1.0.1"):
        for source in (BALANCER, ABROAD):
            assert server.ask_plainly(host, "/api/health", source=source).status == 200
    assert server.ask_plainly("203.0.113.1", "/other", source=BALANCER).status == 421
    server.write("leaving", "")
    try:
        assert server.ask_plainly("203.0.113.1", "/api/health", source=BALANCER).status == 503
        assert server.ask_plainly("shop.example.com", "/api/health", source=BALANCER).status == 308
    finally:
        (server.folder / "leaving").unlink()


def test_an_edge_that_stops_tells_the_balancer_and_serves_on_until_it_goes(
    passing: dict[str, Server],
) -> None:
    """The last test of its Caddy."""
    server = passing["web2"]
    assert server.caddy.running
    server.caddy.send(Signals.SIGTERM)
    wait_until(
        lambda: server.ask_plainly("203.0.113.2", "/api/health", source=BALANCER).status == 503,
        server.caddy.log,
    )
    time.sleep(1)
    assert server.ask(SHOP, source=BALANCER, before=proxy(VISITOR)).status == 200
    assert server.caddy.running.poll() is None
    server.caddy.end()


def test_an_edge_has_time_to_leave(tmp_path: Path) -> None:
    plan = balanced(CASE, "passthrough")
    checks = plan.fleet.balancer.health if plan.fleet and plan.fleet.balancer else None
    assert checks
    assert checks.unhealthy * checks.interval_s + checks.timeout_s <= SHUTDOWN_DELAY_S
    unit = next(
        file for file in host_files(plan, plan.server("web1")).files if file.path.endswith("caddy.container")
    )
    assert "StopTimeout=80\n" in unit.content
    assert "TimeoutStopSec=95\n" in unit.content


def test_udp_443_is_closed_and_not_advertised_behind_a_balancer(passing: dict[str, Server]) -> None:
    plan = balanced(CASE, "passthrough")
    for server, opened in ((plan, False), (CASE.plan(), True)):
        files = host_files(server, server.server("web1")).files
        rules = next(file.content for file in files if file.path == "/etc/nftables.conf")
        assert ("udp dport 443" in rules) is opened
    assert "alt-svc" not in passing["web1"].ask(SHOP, source=BALANCER, before=proxy(VISITOR)).headers


def come(
    server: Server, host: str, path: str = "/", proto: str = "https", source: str = BALANCER, **more: str
) -> Answer:
    """Ask as a balancer that ended TLS does."""
    headers = {"X-Forwarded-Proto": proto, "X-Forwarded-For": f"6.6.6.6, {VISITOR}", **more}
    return server.ask_plainly(host, path, source=source, **headers)


def test_tls_that_ended_at_the_balancer_is_https_to_the_app(ending: dict[str, Server]) -> None:
    for edge in ("web1", "web2"):
        said = received(come(ending[edge], SHOP, "/headers"))
        assert said["x-real-ip"] == said["x-forwarded-for"] == VISITOR, (
            "not what the visitor made up before it"
        )
        assert (said["x-forwarded-proto"], said["x-forwarded-host"], said["host"]) == ("https", SHOP, SHOP)
    far = received(come(ending["web1"], "worker.example.com", "/headers"))
    assert (far["x-real-ip"], far["x-forwarded-proto"]) == (VISITOR, "https")
    assert come(ending["web1"], SHOP).headers["strict-transport-security"]


def test_who_comes_without_tls_is_sent_to_it(ending: dict[str, Server]) -> None:
    server = ending["web1"]
    answers = [
        come(server, SHOP, "/a?b=c", proto="http"),
        server.ask_plainly(SHOP, "/a?b=c", source=BALANCER),
        come(server, SHOP, "/a?b=c", source=ABROAD),
    ]
    for answer in answers:
        assert (answer.status, answer.headers["location"]) == (308, f"https://{SHOP}/a?b=c")
    alias = come(server, f"www.{SHOP}", "/a")
    assert (alias.status, alias.headers["location"]) == (308, f"https://{SHOP}/a")
    dotted = come(server, f"{SHOP}.", "/a")
    assert (dotted.status, dotted.headers["location"]) == (308, f"https://{SHOP}/a")


def test_without_tls_here_a_visitor_is_not_private_either(ending: dict[str, Server]) -> None:
    server = ending["web1"]
    assert come(server, METRICS).status == 403
    assert come(server, METRICS, **{"X-Forwarded-For": ""}).status == 403
    assert come(server, METRICS, **{"X-Forwarded-For": "10.0.0.1"}, source=ABROAD).status == 308
    assert come(server, METRICS, source=HERE, **{"X-Forwarded-For": HERE}).status == 502


def test_no_certificate_is_asked_for_where_tls_ends_elsewhere(ending: dict[str, Server]) -> None:
    log = ending["web1"].caddy.log.read_text()
    assert "tls.obtain" not in log
    with (
        pytest.raises(OSError, match="refused"),
        socket.create_connection((HERE, ending["web1"].ports["https"]), 2),
    ):
        pass
