"""The client of Vultr's API under every fault that the API and the network have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vultr_api import KEY, Reply, Script, scripted

from ops.vultr.client import Client, NotThere, Refused, Troubled, Unreachable, VultrError, WrongKey
from tests.plugins.processes import write_certificate
from tests.ports import free_port


def client(script: Script, waits: list[float] | None = None, seconds: float = 5) -> Client:
    noted = waits if waits is not None else []
    return Client(KEY, script.url, seconds=seconds, sleep=noted.append)


def page(items: list[Any], following: str = "") -> Reply:
    return Reply(body={"blocks": items, "meta": {"total": 9, "links": {"next": following, "prev": ""}}})


def test_a_list_is_read_to_its_end() -> None:
    with scripted(page([{"id": "a"}, {"id": "b"}], "bmV4dA=="), page([{"id": "c"}])) as script:
        assert [each["id"] for each in client(script).pages("/blocks", "blocks")] == ["a", "b", "c"]
    assert script.calls == ["GET /v2/blocks?per_page=500", "GET /v2/blocks?per_page=500&cursor=bmV4dA%3D%3D"]
    assert script.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_list_of_which_a_page_is_missing_is_no_list() -> None:
    failing = [Reply(500, {"error": "oops"})] * 4
    with scripted(page([{"id": "a"}], "x"), *failing) as script, pytest.raises(Troubled, match="500: oops"):
        client(script).pages("/blocks", "blocks")


@pytest.mark.parametrize("answer", [{"blocks": None}, {}, {"error": "x"}, {"blocks": {"a": 1}}])
def test_an_answer_without_the_list_is_no_empty_list(answer: Any) -> None:
    with scripted(Reply(body=answer)) as script, pytest.raises(Troubled, match="without blocks"):
        client(script).pages("/blocks", "blocks")


def test_a_list_that_turns_in_circles_ends() -> None:
    with scripted(*[page([{"id": "a"}], "x")] * 3) as script, pytest.raises(Troubled, match="does not end"):
        client(script).pages("/blocks", "blocks")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_read_is_tried_again(status: int) -> None:
    waits: list[float] = []
    with scripted(Reply(status, {"error": "x"}), Reply(cut=True), Reply(body={"ok": 1})) as script:
        assert client(script, waits).get("/blocks/1") == {"ok": 1}
    assert waits == [0.5, 1.0]


def test_retry_after_is_kept() -> None:
    waits: list[float] = []
    with scripted(Reply(429, headers={"Retry-After": "7"}), Reply(body={"ok": 1})) as script:
        client(script, waits).get("/blocks/1")
    assert waits == [7.0]


@pytest.mark.parametrize("after", ["86400", "99999999"])
def test_a_wait_that_is_too_long_is_not_waited_for(after: str) -> None:
    with scripted(Reply(429, headers={"Retry-After": after})) as script, pytest.raises(Troubled, match="429"):
        client(script).get("/blocks/1")
    assert len(script.calls) == 1


@pytest.mark.parametrize("after", ["", "soon", "-5", "1e9", "Fri, 27 Nov 2026 10:00:00 GMT", "٣"])
def test_a_retry_after_that_is_no_number_does_not_count(after: str) -> None:
    waits: list[float] = []
    header = {"Retry-After": after.encode().decode("latin-1")}
    with scripted(Reply(503, headers=header), Reply(body={"ok": 1})) as script:
        client(script, waits).get("/blocks/1")
    assert waits == [0.5]


def test_the_attempts_are_four_at_most() -> None:
    with scripted(*[Reply(429)] * 9) as script, pytest.raises(Troubled, match="no more calls for now"):
        client(script).get("/blocks/1")
    assert len(script.calls) == 4


@pytest.mark.parametrize("fault", [Reply(500), Reply(429), Reply(cut=True)])
def test_what_makes_or_changes_something_is_sent_once(fault: Reply) -> None:
    with scripted(fault, Reply()) as script, pytest.raises(VultrError):
        client(script).send("POST", "/blocks/1/detach", {"live": True})
    assert script.asked == [("POST", "/v2/blocks/1/detach", {"live": True})]


def test_a_deletion_whose_reply_is_lost_is_one() -> None:
    with scripted(Reply(cut=True), Reply(404, {"error": "Invalid"})) as script:
        assert client(script).delete("/blocks/1") is False
    with scripted(Reply(500), Reply(204, b"")) as script:
        assert client(script).delete("/blocks/1") is True
    assert script.calls == ["DELETE /v2/blocks/1"] * 2


def test_a_deletion_that_is_refused_says_why() -> None:
    refusal = Reply(400, {"error": "The following servers are attached to this VPC network", "status": 400})
    with scripted(refusal) as script, pytest.raises(Refused, match="attached to this VPC network"):
        client(script).delete("/vpcs/1")


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_said_at_once_and_never_shown(status: int) -> None:
    said = {"error": f"Invalid API token {KEY}.", "status": status}
    with scripted(Reply(status, said)) as script, pytest.raises(WrongKey) as caught:
        client(script).get("/account")
    assert KEY not in str(caught.value)
    assert "codeb:vultrApiKey" in str(caught.value)
    assert len(script.calls) == 1


def test_there_is_no_such_thing() -> None:
    with scripted(Reply(404, {"error": "Invalid block storage ID"})) as script, pytest.raises(NotThere):
        client(script).get("/blocks/1")


def test_silence_ends() -> None:
    with (
        scripted(*[Reply(wait=5)] * 4) as script,
        pytest.raises(Unreachable, match=r"no answer from 127\.0\.0\.1 within"),
    ):
        client(script, seconds=0.1).get("/blocks/1")


def test_without_a_network_the_host_is_named() -> None:
    nobody = Client(KEY, f"http://127.0.0.1:{free_port()}/v2", sleep=lambda _: None)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 can't be reached"):
        nobody.get("/blocks")


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[1]", b"\xff\xfe", b'{"a":'])
def test_an_unreadable_answer_is_trouble_and_not_emptiness(body: bytes) -> None:
    with scripted(*[Reply(body=body)] * 4) as script, pytest.raises(Troubled, match="answered unreadably"):
        client(script).get("/blocks/1")


def test_a_redirection_does_not_carry_the_key_away() -> None:
    with (
        scripted(Reply(body={"ok": 1})) as other,
        scripted(Reply(302, headers={"Location": f"{other.url}/x"})) as script,
    ):
        with pytest.raises(Refused, match="302"):
            client(script).get("/blocks/1")
        assert other.asked == []


@pytest.mark.parametrize(
    "base",
    [
        "http://api.vultr.com/v2",
        "ftp://127.0.0.1",
        "api.vultr.com",
        "https://",
        "https://u:p@api.vultr.com",
        "https://a b/",
        "",
    ],
)
def test_the_key_goes_nowhere_in_plain_text(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEB_VULTR_API", base or "http://example.com")
    with pytest.raises(VultrError, match="CODEB_VULTR_API is"):
        Client(KEY)


@pytest.mark.parametrize(
    "key", ["", "short", f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", "schlüssel-schlüssel", "a b c d e f g h"]
)
def test_a_key_that_is_none_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(WrongKey) as caught:
        Client(key, "https://api.vultr.com/v2")
    assert key.strip() not in str(caught.value) or not key


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(Client(KEY, "https://api.vultr.com/v2"))


def test_only_a_trusted_server_gets_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"ok": 1}')

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    authority = write_certificate(tmp_path)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, tmp_path / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"https://127.0.0.1:{server.server_port}/v2"
    with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
        Client(KEY, url, sleep=lambda _: None).get("/blocks")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert Client(KEY, url).get("/blocks") == {"ok": 1}
    server.shutdown()
    server.server_close()
