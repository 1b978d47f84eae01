"""Redis with TLS: who answers is known by his certificate, before he is told a password."""

from __future__ import annotations

import socketserver
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from agent.host import paths
from agent.host.ports import RedisRefused, RedisUntrusted
from agent.real.redis import RealRedis
from lab.certificates import Certificate, issue
from tests.unit.agent.real.test_agent_real import read_command, served


class Service(socketserver.StreamRequestHandler):
    """Lets everybody in, and nobody select another index than 2."""

    seen: ClassVar[list[list[bytes]]] = []
    context: ClassVar[ssl.SSLContext]

    def setup(self) -> None:
        self.request = self.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while words := read_command(self.rfile):
            Service.seen.append(words)
            allowed = words[0] != b"SELECT" or words[1] == b"2"
            self.wfile.write(b"+OK\r\n" if allowed else b"-NOPERM no permissions to run 'select'\r\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issue(tmp_path, "localhost")


@pytest.fixture
def port(certificate: Certificate) -> Iterator[int]:
    Service.seen.clear()
    Service.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Service.context.load_cert_chain(certificate.certificate, certificate.key)
    with served(Service) as address:
        yield int(address.partition(":")[2])


def test_a_user_logs_in_to_whom_the_settings_trust(
    certificate: Certificate, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "CA_FILE", str(certificate.ca))
    assert RealRedis().call_as("localhost", port, "shop", "päss", [["SELECT", "2"], ["FLUSHDB"]]) == [
        "OK",
        "OK",
    ]
    assert Service.seen[0] == [b"AUTH", b"shop", "päss".encode()]
    with pytest.raises(RedisRefused, match="NOPERM"):
        RealRedis().call_as("localhost", port, "shop", "päss", [["SELECT", "1"]])


@pytest.mark.parametrize("trusted", [False, True], ids=["another authority", "another name"])
def test_nobody_else_is_told_the_password(
    certificate: Certificate, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    monkeypatch.setattr(paths, "CA_FILE", str(certificate.ca if trusted else tmp_path / "none"))
    host = "127.0.0.1" if trusted else "localhost"
    with pytest.raises(RedisUntrusted, match=f"certificate of Redis at {host}:{port}: ") as caught:
        RealRedis().call_as(host, port, "shop", "the-password", [["PING"]])
    assert "the-password" not in str(caught.value)
    assert Service.seen == []
