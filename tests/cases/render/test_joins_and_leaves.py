"""The agent's `join` and `leave` on a real Caddy: what visitors see of an edge that comes and of one that goes."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import drain, serving
from agent.host import commands, paths
from agent.host.ports import Ports, Reply, Result, Tls, Validity
from agent.real import ports as real_ports
from agent.real.files import RealFiles
from agent.real.http import RealHttp
from agent.real.runner import RealRunner

from .caddies import ABROAD, HERE, Server, running, wait_until
from .case import FOLDER, Case

SHOP = "shop.example.com"
CADDY = str(Path(sys.executable).parent / "caddy")


class Below(RealFiles):
    """The files of one server of several on this machine."""

    def __init__(self, server: Server) -> None:
        self._folder = server.folder

    def at(self, path: str) -> str:
        if path.startswith(paths.CADDY):
            return path.replace(paths.CADDY, str(self._folder), 1)
        return path if path.startswith("/proc/") else f"{self._folder}/host{path}"

    def read(self, path: str) -> bytes | None:
        return super().read(self.at(path))

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        Path(self.at(path)).parent.mkdir(parents=True, exist_ok=True)
        Path(self.at(path)).write_bytes(content)

    def remove(self, path: str) -> None:
        Path(self.at(path)).unlink(missing_ok=True)

    def listing(self, folder: str) -> list[str]:
        return super().listing(self.at(folder))

    def lock(self, path: str, wait_s: float) -> Any:
        return super().lock(self.at(path), wait_s)


class Here(RealRunner):
    """Caddy reloads in no container; there is no systemd to ask."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self.reloads: list[list[str]] = []

    def run(self, argv: Any, **_: Any) -> Result:
        words = list(argv)
        if words not in (commands.CADDY_RELOAD, commands.CADDY_RELOAD_ALL_THE_SAME):
            return Result(0)
        self.reloads.append(words)
        forced = ["--force"] if "--force" in words else []
        line = [
            CADDY,
            "reload",
            "--config",
            f"{self._server.folder}/Caddyfile",
            "--adapter",
            "caddyfile",
            *forced,
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)


class Near(RealHttp):
    """The network, in which the server's doors have other ports."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._ports = {f"{HERE}:443": server.ports["https"], f"{HERE}:80": server.ports["http"]}

    def _at(self, address: str) -> str:
        return f"{HERE}:{self._ports[address]}" if address in self._ports else address

    def get(
        self,
        address: str,
        path: str,
        *,
        host: str,
        timeout_ms: int,
        tls: Tls | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        return super().get(
            self._at(address), path, host=host, timeout_ms=timeout_ms, tls=tls, headers=headers
        )

    def accepts(self, address: str, timeout_ms: int) -> bool:
        return super().accepts(self._at(address), timeout_ms)

    def certificate(self, address: str, tls: Tls, timeout_ms: int) -> Validity:
        return super().certificate(self._at(address), tls, timeout_ms)


def agent(server: Server, monkeypatch: pytest.MonkeyPatch) -> Ports:
    """The agent's ports on this server, whose CA its certificates are of."""
    visited = tuple(f"{server.ports[name]:04X}" for name in ("http", "https"))
    monkeypatch.setattr(serving, "_VISITORS", visited)
    monkeypatch.setattr(drain.connections, "__defaults__", (visited,))
    monkeypatch.setattr(paths, "CA_FILE", str(authority(server)))
    mine = {"files": Below(server), "runner": Here(server), "http": Near(server)}
    return Ports(**{**real_ports().__dict__, **mine})


def authority(server: Server) -> Path:
    """The certificate of the CA that signs its sites: Caddy's own, else the platform's."""
    root = server.folder.parents[1]
    own = root / "data/caddy/pki/authorities/local/root.crt"
    return own if own.exists() else root / "etc/codeb/ca.crt"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(Case(FOLDER / "several-edges"), tmp_path_factory.mktemp("going")) as servers:
        yield servers


@dataclass
class Visitors:
    """Visitors who come by a balancer: each keeps his connection, and has a new one only while it `sends` here."""

    server: Server
    sends: bool = True
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> Visitors:
        self._going = True
        self._threads = [
            threading.Thread(target=self._visit, args=(method,)) for method in ("GET", "POST") * 2
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        for thread in self._threads:
            thread.join(30)

    def _visit(self, method: str) -> None:
        while self._going and self.sends:
            try:
                self._stay(method)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{method}: {type(error).__name__}: {error}")
                time.sleep(0.5)

    def _stay(self, method: str) -> None:
        connection = http.client.HTTPConnection(SHOP)
        connection.sock = connected(self.server)
        while self._going:
            connection.request(method, "/", b"x" if method == "POST" else None)
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                self.failed.append(f"{method}: {reply.status}")
            self.answered += 1
            if reply.will_close:
                break
            time.sleep(0.1)
        connection.close()


def connected(server: Server) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((HERE, server.ports["https"]), 10, (ABROAD, 0))
    return context.wrap_socket(plain, server_hostname=SHOP)


def websocket(server: Server) -> ssl.SSLSocket:
    opened = connected(server)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    head = [
        "GET / HTTP/1.1",
        f"Host: {SHOP}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        key,
        "Sec-WebSocket-Version: 13",
    ]
    opened.sendall("\r\n".join([*head, "", ""]).encode())
    assert b"101" in opened.recv(4096)
    return opened


def test_an_edge_whose_sites_answer_joins(
    several: dict[str, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = agent(several["web1"], monkeypatch)
    found = serving.join(ports, Reader({"version": 1, "attached": False}, ""), "test")
    assert (found["ok"], found["warnings"]) == (True, [])
    assert isinstance(found["sites"], int)
    assert found["sites"] > 1


def test_kept_connections_end_with_an_answer_and_nobody_fails(
    several: dict[str, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = several["web1"]
    ports = agent(server, monkeypatch)
    with Visitors(server) as visitors:
        wait_until(lambda: visitors.answered > 2 * len(visitors._threads), server.caddy.log, 120)
        visitors.sends = False  # the balancer has let go of it
        before = visitors.answered
        found = serving.leave(ports, Reader({"version": 1, "attached": False}, ""), "test")
        assert not any(thread.is_alive() for thread in visitors._threads), "all were told to go elsewhere"
    assert (found["ok"], found["let_go"], visitors.failed) == (True, 0, [])
    assert visitors.answered >= before
    assert server.ask(SHOP).status == 200, "whoever comes all the same is answered"


@pytest.mark.slow
def test_what_goes_on_is_let_go_and_counted(
    several: dict[str, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = several["web1"]
    ports = agent(server, monkeypatch)
    monkeypatch.setattr(serving, "_LET_GO_S", 3)
    with websocket(server):
        found = serving.leave(ports, Reader({"version": 1}, ""), "test")
    assert found["let_go"] == 1


@pytest.mark.slow
def test_an_edge_from_which_the_apps_can_t_be_reached_does_not_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LONGEST_S", 3)
    with running(Case(FOLDER / "fleet"), tmp_path) as servers:
        edge = next(server for server in servers.values() if server.edge)
        ports = agent(edge, monkeypatch)
        for server in servers.values():
            if server is not edge:
                server.end()
        with pytest.raises(Failed, match="can't be reached from here"):
            serving.join(ports, Reader({"version": 1, "attached": False}, ""), "test")
