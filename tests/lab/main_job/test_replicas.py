"""Two servers with replicas, an edge that has none, real hosts: one is stopped, one loses power, releases go one by one."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from stack import Stack, new_project

from lab import paths
from lab.apps import PROBE
from lab.host import Lab
from lab.pulumi import dev

pytestmark = [pytest.mark.lab, pytest.mark.slow]  # slow until it has passed on real hosts

HOSTS = ("codeb1", "codeb2", "codeb3")
ONE, TWO, EDGE = "10.77.0.2", "10.77.0.3", "10.77.0.4"
DOMAIN = "shop.lab.test"
EJECTED_S = 5.0


@dataclass
class Asking:
    """Visitors of one edge, one request after the other, each on a connection of its own."""

    edge: str
    seen: list[tuple[float, str, str]] = field(default_factory=list)

    def __enter__(self) -> Asking:
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
            self.seen.append((began, method, ask(self.edge, method)))
            time.sleep(0.05)

    def failed(self, since: float = 0) -> list[tuple[float, str, str]]:
        return [
            (round(at - since, 2), *rest)
            for at, *rest in self.seen
            if at >= since and tuple(rest) not in (("GET", "200"), ("POST", "201"))
        ]

    def said(self) -> str:
        return str(Counter(what for *_, what in self.seen))


def ask(edge: str, method: str = "GET") -> str:
    """The status, or how it failed."""
    context = ssl.create_default_context(cafile=str(paths.CA_CERTIFICATE))
    path = "/api/version" if method == "GET" else "/api/orders"
    body = json.dumps({"item_id": 1}) if method == "POST" else None
    connection = http.client.HTTPConnection(DOMAIN, timeout=6)
    try:
        plain = socket.create_connection((edge, 443), 6)
        connection.sock = context.wrap_socket(plain, server_hostname=DOMAIN)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return str(connection.getresponse().status)
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def server(name: str, address: str, *roles: str) -> dict[str, Any]:
    known = {"user": "root", "knownHostsFile": ".lab/ssh/known_hosts"}
    return {"name": name, "address": address, "privateAddress": address, "roles": list(roles), **known}


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The project deployed on two servers, with a third one for data and as an edge of its own."""
    lab = Lab.here()
    lab.ensure(HOSTS)
    dev.prepare(lab, dev.stack())
    PROBE.push(lab)
    stack = Stack.make(tmp_path_factory.mktemp("replicas"))
    for path in (stack.folder / "manifests").iterdir():
        path.unlink()
    servers = [server("codeb1", ONE, "app", "edge"), server("codeb2", TWO, "app", "edge")]
    stack.configure(servers=[*servers, server("codeb3", EDGE, "data", "edge")])
    stack.write("shop", manifest())
    done = stack.up()
    assert done.status == 0, done.text[-4000:]
    paths.CA_CERTIFICATE.write_text(stack.outputs()["caCertificate"])
    yield stack
    lab.ensure_hosts(HOSTS)
    stack.pulumi.clear()
    lab.down(HOSTS[1:])


def manifest(health: str = "/api/health", **variables: str) -> dict[str, Any]:
    found = new_project("shop", **variables)
    found["servers"] = {"replicas": 2}
    found["monitoring"]["health"] |= {
        "path": health,
        "start_timeout": "20s" if health != "/api/health" else "90s",
    }
    return found


def serving(stack: Stack, host: str) -> dict[str, Any]:
    done = stack.lab.run(host, ["sh", "-c", "echo '{\"version\": 1}' | codeb-agent status"])
    found: dict[str, Any] = json.loads(done.stdout)["projects"][0]
    return found


def await_all(stack: Stack, seconds: float = 90) -> None:
    """Each edge answers; hosts may have been booted just now."""
    end = time.monotonic() + seconds
    while (found := {edge: ask(edge) for edge in (ONE, TWO, EDGE)}) != dict.fromkeys((ONE, TWO, EDGE), "200"):
        told = [
            stack.lab.run(host, ["journalctl", "-n", "15", "-u", "caddy", "--no-pager"]).stdout
            for host in HOSTS
        ]
        assert time.monotonic() < end, f"{found}\n" + "\n".join(text.decode() for text in told)
        time.sleep(1)


def test_a_replica_that_is_stopped_and_a_server_that_loses_power_are_out_in_five_seconds(
    replicas: Stack,
) -> None:
    await_all(replicas)
    colour = serving(replicas, "codeb1")["active"]
    with Asking(ONE) as at_one, Asking(EDGE) as at_edge:
        time.sleep(2)
        replicas.lab.run("codeb1", ["systemctl", "stop", f"codeb-shop-{colour}.service"])
        stopped = time.monotonic()
        time.sleep(9)
    print("\nstopped:", at_one.said(), at_one.failed(stopped), at_edge.said(), at_edge.failed(stopped))
    assert at_one.failed(stopped + EJECTED_S) == at_edge.failed(stopped + EJECTED_S) == []
    replicas.lab.run("codeb1", ["systemctl", "start", f"codeb-shop-{colour}.service"])
    time.sleep(8)
    with Asking(ONE) as at_one, Asking(EDGE) as at_edge:
        time.sleep(2)
        cut = time.monotonic()
        replicas.lab.power_cut("codeb2")
        off = time.monotonic()
        time.sleep(10)
    print("\noff:", off - cut, at_one.said(), at_one.failed(cut), at_edge.said(), at_edge.failed(cut))
    assert at_one.failed() == [], "its own replica answers"
    assert at_edge.failed(off + EJECTED_S) == []


def test_rollback_says_which_server_did_not_answer_and_takes_all_once_it_does(replicas: Stack) -> None:
    replicas.lab.ensure_hosts(HOSTS)
    replicas.write("shop", manifest(DEMO_TITLE="second"))
    done = replicas.up()
    assert done.status == 0, done.text[-4000:]
    before = {host: serving(replicas, host)["release"]["id"] for host in HOSTS[:2]}
    replicas.lab.power_cut("codeb2")
    half = replicas.codeb("rollback", "shop")
    assert half.returncode == 1
    assert "shop on codeb1: rolled back" in half.stdout
    assert "codeb2" in half.stderr
    assert "half rolled back" in half.stderr
    replicas.lab.ensure_hosts(HOSTS)
    whole = replicas.codeb("rollback", "shop")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert all("rolled back" in serving(replicas, host)["release"]["why"] for host in HOSTS[:2])
    forward = replicas.codeb("rollback", "shop", "--forward")
    assert forward.returncode == 0, forward.stdout + forward.stderr
    assert {host: serving(replicas, host)["release"]["id"] for host in HOSTS[:2]} != before
    await_all(replicas)


def test_releases_stop_at_the_first_that_fails(replicas: Stack) -> None:
    told = {host: serving(replicas, host)["history"] for host in HOSTS[:2]}
    replicas.write("shop", manifest(health="/api/no-such-thing", DEMO_TITLE="third"))
    with Asking(EDGE) as asking:
        done = replicas.up()
    assert done.status != 0
    assert "health" in done.text
    now = {host: serving(replicas, host)["history"] for host in HOSTS[:2]}
    assert now["codeb1"][0]["outcome"] == "failed"
    assert now["codeb2"] == told["codeb2"], "it was never asked"
    assert asking.failed() == []
    replicas.write("shop", manifest(DEMO_TITLE="fourth"))
    done = replicas.up()
    assert done.status == 0, done.text[-4000:]
    assert {serving(replicas, host)["release"]["why"] for host in HOSTS[:2]} == {"released"}


def test_a_second_run_changes_nothing(replicas: Stack) -> None:
    done = replicas.up()
    assert (done.status, done.changes) == (0, {}), done.text[-2000:]
