"""Whether visitors are answered: who is asked, where, and that only the project's own certificate counts."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from codeb.certificates import certificate_authority, server_certificate
from ops.ci import asking, health
from ops.ci.context import CiError
from ops.ci.health import Target, Targets
from tests.unit.ci.ci_world import IMAGE, Place, stack_outputs

CA = certificate_authority(b"a" * 48)
OTHER_CA = certificate_authority(b"b" * 48)


class Site(BaseHTTPRequestHandler):
    """Answers by its path: `/slow` late, `/moved` with another place, else 200."""

    protocol_version = "HTTP/1.1"
    hosts: list[str] = []  # noqa: RUF012 - of the tests

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        if self.path == "/slow":
            time.sleep(2)
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def site(folder: Path, *names: str) -> Iterator[tuple[int, list[str]]]:
    """A server for these names: its port, and the names that clients asked for in TLS."""
    certificate, key = server_certificate(CA, b"c" * 48, "x", names)
    (folder / "site.pem").write_text(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "site.pem")
    asked: list[str] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def target(
    authority: Any = CA, domain: str = "shop.lab.test", path: str = "/api/health", timeout: float = 5
) -> Target:
    trust = ssl.create_default_context(cadata=authority.certificate)
    return Target("shop", domain, path, "127.0.0.1", timeout, protected=False, trust=trust)


class Redirecting(httpx2.BaseTransport):
    """To the test's port instead of 443."""

    def __init__(self, trust: ssl.SSLContext, port: int) -> None:
        self._inner, self._port = httpx2.HTTPTransport(verify=trust, trust_env=False), port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert (request.url.scheme, request.url.port) == ("https", None)
        request.url = request.url.copy_with(port=self._port)
        return self._inner.handle_request(request)


def asked(target: Target, port: int) -> int | str:
    return health.visit(target, Redirecting(target.trust, port))


def test_an_address_is_asked_by_the_domain_in_tls_and_in_http(tmp_path: Path) -> None:
    Site.hosts.clear()
    with site(tmp_path, "shop.lab.test") as (port, names):
        assert asked(target(), port) == 200
    assert names == ["shop.lab.test"]
    assert Site.hosts == ["shop.lab.test"]


@pytest.mark.parametrize(("authority", "domain"), [(OTHER_CA, "shop.lab.test"), (CA, "blog.lab.test")])
def test_a_certificate_of_somebody_else_is_no_answer(tmp_path: Path, authority: Any, domain: str) -> None:
    with site(tmp_path, "shop.lab.test") as (port, _):
        answer = asked(target(authority, domain), port)
    assert isinstance(answer, str)
    assert "certificate verify failed" in answer


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    with site(tmp_path, "shop.lab.test") as (port, _):
        assert asked(target(path="/moved"), port) == 302


def test_a_late_answer_is_none(tmp_path: Path) -> None:
    with site(tmp_path, "shop.lab.test") as (port, _):
        assert asked(target(path="/slow", timeout=0.2), port) == "no answer within 0.2 s"


def test_nobody_there_is_no_answer() -> None:
    answer = asked(target(), 1)
    assert isinstance(answer, str)
    assert "refused" in answer


def test_an_ipv6_address_is_in_brackets() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        assert request.extensions["sni_hostname"] == "shop.lab.test"
        return httpx2.Response(200)

    assert health.visit(replace(target(), address="2001:db8::1"), httpx2.MockTransport(answer)) == 200
    assert seen == ["https://[2001:db8::1]/api/health"]


def found(place: Place, projects: set[str], outputs: dict[str, Any]) -> Targets:
    settings, manifests = asking.read_stack(place.folder, "dev")
    outputs["caCertificate"] = CA.certificate
    return health.targets(projects, outputs, settings, manifests)


def test_each_edge_is_asked_and_nobody_else(place: Place) -> None:
    outputs = stack_outputs("shop")
    outputs["servers"] = {
        "app1": {"address": "192.0.2.1", "roles": ["app", "edge"]},
        "app2": {"address": "edge-2.example.com", "roles": ["edge"]},
        "data": {"address": "192.0.2.3", "roles": ["data"]},
    }
    assert [each.address for each in found(place, {"shop"}, outputs).asked] == [
        "192.0.2.1",
        "edge-2.example.com",
    ]


def test_behind_a_balancer_its_address_is_asked(place: Place) -> None:
    outputs = stack_outputs("shop") | {"fleet": {"balancer": {"address": "198.51.100.9"}}}
    assert [each.address for each in found(place, {"shop"}, outputs).asked] == ["198.51.100.9"]


@pytest.mark.parametrize("address", ["", "a b", "x/y", "x@evil", "[::1]", None, "x\n", "user:pw@h"])
def test_an_address_that_is_none_is_not_asked(place: Place, address: Any) -> None:
    outputs = stack_outputs("shop")
    outputs["servers"]["codeb1"]["address"] = address
    assert found(place, {"shop"}, outputs).lacking == (
        "the stack's outputs have no server with the role edge to ask",
    )


def test_a_preview_environment_is_asked_at_the_path_of_its_project_s_manifest(place: Place) -> None:
    place.write("shop", monitoring={"health": {"path": "/up", "timeout": "3s"}})
    entry = {"project": "shop", "pull": 12, "image": IMAGE, "until": "2026-11-30T12:00:00Z"}
    outputs = stack_outputs("shop", "shop-pr-12", previews={"shop-pr-12": entry})
    (only,) = found(place, {"shop-pr-12"}, outputs).asked
    assert (only.domain, only.path, only.timeout) == ("shop-pr-12.lab.test", "/up", 3)


def test_a_stack_without_a_readable_ca_is_not_asked_at_all(place: Place) -> None:
    settings, manifests = asking.read_stack(place.folder, "dev")
    outputs = stack_outputs("shop") | {"caCertificate": "[secret]"}
    with pytest.raises(CiError, match="caCertificate"):
        health.targets({"shop"}, outputs, settings, manifests)


def test_a_project_that_is_not_there_is_said(place: Place) -> None:
    assert found(place, {"gone"}, stack_outputs("shop")).lacking == (
        "gone: it is not in the stack's registry, or has no manifest",
    )


@pytest.mark.parametrize(
    ("resources", "projects"),
    [
        ([], set()),
        (["shop-database", "shop-bucket-uploads"], set()),
        (["shop-release-codeb1"], {"shop"}),
        (["blog-route-edge1"], {"blog"}),
        (["gone-release-codeb1"], set()),
        (["codeb1-agent"], set()),
        (["codeb1-bundle"], {"shop", "blog"}),
    ],
)
def test_what_changed_is_told_by_the_resources(resources: list[str], projects: set[str]) -> None:
    assert health.changed(resources, stack_outputs("shop", "blog")) == projects


def test_who_is_not_asked_to_the_end_is_not_up() -> None:
    up, down = health.ask([target()], lambda _: 200, lambda _: None, lambda: True)
    assert (up, len(down)) == ([], 1)
    assert "cancelled" in down[0]


def test_there_is_a_pause_between_two_questions() -> None:
    slept: list[float] = []
    up, down = health.ask([target()], lambda _: 200, slept.append, lambda: False)
    assert (len(up), down, slept) == (1, [], [health.PAUSE_S] * 2)
