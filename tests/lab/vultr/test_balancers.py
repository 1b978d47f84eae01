"""A balancer is a real one: PROXY protocol, health checks, changes under load."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cloud import Booted, Cloud

from lab import certificates
from lab.host.processes import wait_until
from lab.vultr.ports import BalancerSpec, ForwardingRule, HealthCheck, MachineError, Tls, VpcSpec

VPC = VpcSpec("vpc-1", "10.64.0.0", 20)
RULES = (ForwardingRule("tcp", 443, "tcp", 443), ForwardingRule("tcp", 80, "tcp", 80))
HEALTH = HealthCheck("http", 80, "/api/health", interval_s=1, timeout_s=1, unhealthy=2, healthy=2)
BACKEND = Path(__file__).with_name("backend.py").read_text()


@pytest.fixture(scope="module")
def servers(cloud: Cloud) -> list[Booted]:
    """Two, each with a backend that says its name, what it was sent first, and from where."""
    files = [{"path": "/root/backend.py", "content": BACKEND}]
    started = ["systemd-run --unit=backend python3 /root/backend.py"]
    booted = [
        cloud.boot(f"i-{n}", f"app{n}.fleet.test", VPC, write_files=files, runcmd=started) for n in (1, 2)
    ]
    for server in booted:
        server.wait()
        server.said("cloud-init status --wait")
    return booted


@pytest.fixture(scope="module")
def spec(servers: list[Booted]) -> BalancerSpec:
    backends = tuple(server.addresses.private[VPC.id] for server in servers)
    return BalancerSpec("b-1", RULES, HEALTH, backends, proxy_protocol=True, vpc=VPC)


@pytest.fixture(scope="module")
def address(cloud: Cloud, spec: BalancerSpec) -> str:
    found = cloud.machines.balance(spec)
    assert wait_until(lambda: names(found) == {"app1", "app2"}, 20, pause=0.5)
    return found


def ask(address: str, text: bytes = b"hello\n", port: int = 443) -> str:
    """What a backend answers; nothing where no backend is there."""
    try:
        with socket.create_connection((address, port), 3) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    except OSError:
        return ""


def names(address: str) -> set[str]:
    return {ask(address).partition(" ")[0] for _ in range(6)} - {""}


def test_backends_are_told_who_asks_and_asked_from_the_private_network(address: str, cloud: Cloud) -> None:
    gateway = cloud.machines.ground.lab.network.gateway
    name, peer, proxy, text = ask(address).split(" ", 3)
    assert name in ("app1", "app2")
    assert peer.startswith("10.64.")
    assert proxy.startswith(f"PROXY,TCP4,{gateway},{address},")
    assert text == "hello"


def test_a_backend_that_fails_its_health_check_gets_nothing(address: str, servers: list[Booted]) -> None:
    servers[0].said("touch /root/ill")
    assert wait_until(lambda: names(address) == {"app2"}, 10, pause=0.5)
    servers[0].said("rm /root/ill")
    assert wait_until(lambda: names(address) == {"app1", "app2"}, 10, pause=0.5)


def test_a_backend_that_is_switched_off_gets_nothing(
    address: str, cloud: Cloud, servers: list[Booted]
) -> None:
    cloud.machines.halt("i-2")
    assert wait_until(lambda: names(address) == {"app1"}, 10, pause=0.5)
    cloud.machines.start("i-2")
    servers[1].wait()
    servers[1].said("systemd-run --unit=backend python3 /root/backend.py")
    assert wait_until(lambda: names(address) == {"app1", "app2"}, 10, pause=0.5)


def is_cut(connection: socket.socket) -> bool:
    """Whether the other end is gone; a connection that merely stays silent is not."""
    try:
        connection.sendall(b"still\n")
        return connection.recv(100) == b""
    except ConnectionError:
        return True


@contextmanager
def conversation(address: str) -> Iterator[socket.socket]:
    with socket.create_connection((address, 443), 3) as connection:
        connection.sendall(b"stay\n")
        assert connection.recv(100)
        yield connection


def test_a_changed_balancer_keeps_connections(address: str, cloud: Cloud, spec: BalancerSpec) -> None:
    with conversation(address) as connection:
        changed = replace(
            spec, algorithm="leastconn", rules=(*RULES, ForwardingRule("tcp", 8443, "tcp", 443))
        )
        assert cloud.machines.balance(changed) == address
        assert ask(address, port=8443)
        connection.sendall(b"still\n")
        assert connection.recv(100) == b"still\n"
    cloud.machines.balance(spec)
    assert not ask(address, port=8443)


def test_a_balancer_that_changes_its_network_drops_connections(
    address: str, cloud: Cloud, spec: BalancerSpec, servers: list[Booted]
) -> None:
    public = tuple(server.addresses.main for server in servers)
    with conversation(address) as connection:
        assert cloud.machines.balance(replace(spec, vpc=None, backends=public)) == address
        connection.settimeout(5)
        assert is_cut(connection)
    assert wait_until(lambda: names(address) == {"app1", "app2"}, 10, pause=0.5)
    cloud.machines.balance(spec)
    assert wait_until(lambda: names(address) == {"app1", "app2"}, 10, pause=0.5)


def test_a_balancer_ends_tls_with_the_certificate_that_it_is_given(
    address: str, cloud: Cloud, spec: BalancerSpec, tmp_path: Path
) -> None:
    made = certificates.issue(tmp_path, "shop.fleet.test")
    tls = Tls(made.certificate.read_text(), made.key.read_text())
    rules = (ForwardingRule("https", 443, "http", 80), ForwardingRule("http", 80, "http", 80))
    ending = replace(spec, rules=rules, proxy_protocol=False, ssl_redirect=True, tls=tls)
    cloud.machines.balance(ending)
    context = ssl.create_default_context(cafile=str(made.ca))
    with (
        socket.create_connection((address, 443), 3) as plain,
        context.wrap_socket(plain, server_hostname="shop.fleet.test") as secure,
    ):
        secure.sendall(b"GET /about HTTP/1.1\r\nHost: shop.fleet.test\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: secure.recv(4096), b"")).decode().lower()
    assert "x-forwarded-proto: https" in answer
    assert f"x-forwarded-for: {cloud.machines.ground.lab.network.gateway}" in answer
    assert "location: https://shop.fleet.test/" in ask(
        address, b"GET / HTTP/1.1\r\nHost: shop.fleet.test\r\n\r\n", 80
    )
    with pytest.raises(MachineError, match="b-1"):
        cloud.machines.balance(replace(ending, tls=Tls("no certificate", "no key")))


def test_a_balancer_that_is_gone_answers_nobody(address: str, cloud: Cloud) -> None:
    cloud.machines.unbalance("b-1")
    assert not ask(address)
