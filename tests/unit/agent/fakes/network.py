"""The network in memory: apps at their addresses, Caddy in front of them, and everybody else, who accepts all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from agent.host.ports import NoReply, Reply, Tls, Validity
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.fakes.systemd import Container


class Caddy(Protocol):
    """What listens on ports 80, 443 and 8100."""

    def inner(self, name: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer at the inner door, asking an app by its address. Raises NoReply."""

    def plain(self, domain: str) -> Reply:
        """An answer without TLS."""

    def secure(self, domain: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer with TLS, asking an app by its address. Raises NoReply."""

    def trusted(self, domain: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer to who says that TLS ended before, asking an app by its address. Raises NoReply."""

    def shake_hands(self) -> None:
        """Raises NoReply without a certificate."""


class Clock(Protocol):
    """Seconds since 1970."""

    time: float


@dataclass
class FakeHttp:
    """`running` are the containers at this moment, `app` is what is in an image, `posts` what was sent to others.

    `services` are what services of monitoring answer, by address, `called` what they were asked.
    """

    clock: Clock
    caddy: Caddy
    running: Mapping[str, Container]
    app: Callable[[str], App | None]
    posts: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    services: dict[str, Reply] = field(default_factory=dict)
    called: list[tuple[str, str, str, bytes, dict[str, str]]] = field(default_factory=list)
    certificate_holds: Validity = field(default_factory=lambda: Validity(60, 90))

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
        if address == "127.0.0.1:443":
            return self.caddy.secure(host, lambda upstream: self._ask(upstream, host, "https"))
        if address == "127.0.0.1:8100":
            https = headers.get("X-Forwarded-Proto", "http")
            return self.caddy.inner(
                host, lambda upstream: self._ask(upstream, headers.get("X-Forwarded-Host", ""), https)
            )
        if address == "127.0.0.1:80" and headers.get("X-Forwarded-Proto") == "https":
            return self.caddy.trusted(host, lambda upstream: self._ask(upstream, host, "https"))
        if address == "127.0.0.1:80":
            return self.caddy.plain(host)
        return self._ask(
            address, headers.get("X-Forwarded-Host", ""), headers.get("X-Forwarded-Proto", "http")
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> Reply:
        self.posts.append((url, json.loads(body), dict(headers)))
        return Reply(200, b"ok", 1, {})

    def call(
        self,
        method: str,
        address: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_ms: int,
        longest: int,
    ) -> Reply:
        self.called.append((method, address, path, body, dict(headers)))
        reply = self.services.get(address)
        if reply is None:
            raise NoReply("refused the connection")
        return reply

    def accepts(self, address: str, timeout_ms: int) -> bool:
        return any(container.address == address for container in self.running.values())

    def certificate(self, address: str, tls: Tls, timeout_ms: int) -> Validity:
        self.caddy.shake_hands()
        return self.certificate_holds

    def _ask(self, address: str, host: str, scheme: str) -> Reply:
        for container in self.running.values():
            if container.address == address:
                app = self.app(container.image)
                assert app
                if self.clock.time < container.started + app.boots_after_s:
                    break
                self.clock.time += app.elapsed_ms / 1000
                if app.forces_https and scheme != "https":
                    return Reply(301, b"", app.elapsed_ms, {"location": f"https://{host}/"})
                return Reply(app.status, app.body, app.elapsed_ms, {})
        raise NoReply("connection refused")
