"""The agent's HTTP client on real sockets: whom it trusts, when it gives up, and what its errors don't tell."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from agent.host.ports import NoReply
from agent.outbox import notify
from agent.real.http import RealHttp
from codeb.secrets import PlatformSecrets, RootSecret
from lab.receiver import receiving
from tests.unit.agent.messages import FAILED, PATH, deliver, told


def certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS for 127.0.0.1, and the file of the CA that signed it."""
    platform = PlatformSecrets(RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"), ["127.0.0.1"])
    (folder / "cert.pem").write_text(platform.lookup("public", "postgres/tls"))
    (folder / "key.pem").write_text(platform.lookup("secret", "postgres/tls"))
    (folder / "ca.crt").write_text(platform.authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, str(folder / "ca.crt")


def test_https_trusts_the_platform_s_ca_and_checks_the_name(tmp_path: Path) -> None:
    context, ca_file = certificate(tmp_path)
    with receiving(tls=context) as receiver:
        host = told(receiver, "slack")
        notify.tell(host.ports(), FAILED)
        assert deliver(host, RealHttp(ca_file))["delivered"] == 1
        url = f"{receiver.url}{PATH}"
        with pytest.raises(NoReply, match="at the TLS handshake") as untrusted:
            RealHttp(str(tmp_path / "none")).post(url, b"{}", {}, 2000)
        with pytest.raises(NoReply, match="TLS handshake"):
            RealHttp(ca_file).post(url.replace("127.0.0.1", "localhost"), b"{}", {}, 2000)
        assert "HookSecret" not in str(untrusted.value)


def test_what_goes_wrong_on_the_way_names_no_path_and_no_header() -> None:
    headers = {"Authorization": "Bearer TokenSecret"}
    for url in (
        "http://no-such-host.invalid/PathSecret",
        "http://127.0.0.1:1/PathSecret",
        "http://127.0.0.1:1/Path Secret\r\nX: y",
        "ftp://127.0.0.1/PathSecret",
        "http:///PathSecret",
        "http://[::1/PathSecret",
    ):
        with pytest.raises(NoReply) as caught:
            RealHttp().post(url, b"{}", headers, 1000)
        assert "Secret" not in str(caught.value), url
    with receiving() as receiver:
        for hostile in (
            {"Authorization": "Bearer TokenSecret\r\nX-Evil: 1"},
            {"Authorization": "Bearer Sécret\u2028"},
        ):
            with pytest.raises(NoReply) as caught:
                RealHttp().post(f"{receiver.url}/PathSecret", b"{}", hostile, 1000)
            assert "ecret" not in str(caught.value)
        with pytest.raises(NoReply) as caught:
            RealHttp().post(f"{receiver.url}/Path Secret\r\nX-Evil: 1", b"{}", headers, 1000)
        assert receiver.requests == []


@pytest.mark.parametrize("asked", [False, True])
def test_a_receiver_that_answers_byte_by_byte_is_given_up_in_time(asked: bool) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        link, _ = listener.accept()
        link.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not done.wait(0.1):
            try:
                link.sendall(b".")
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    here, http = f"127.0.0.1:{listener.getsockname()[1]}", RealHttp()

    def get() -> object:
        return http.get(here, "/x", host="shop.lab.test", timeout_ms=700)

    def post() -> object:
        return http.post(f"http://{here}/x", b"{}", {}, 700)

    with pytest.raises(NoReply, match="in time"):
        (get if asked else post)()
    done.set()
    listener.close()


def test_something_that_is_not_http_is_no_answer() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        link, _ = listener.accept()
        link.recv(1000)
        link.sendall(b"SSH-2.0-PathSecret\r\n\r\n")
        link.close()

    threading.Thread(target=talk, daemon=True).start()
    with pytest.raises(NoReply, match="BadStatusLine") as caught:
        RealHttp().post(f"http://127.0.0.1:{listener.getsockname()[1]}/PathSecret", b"{}", {}, 2000)
    assert "Secret" not in str(caught.value)
    listener.close()


def test_a_call_has_its_method_and_body_and_an_answer_that_is_too_long_is_none() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def answer() -> None:
        for _ in range(2):
            link, _ = listener.accept()
            asked.append(link.recv(4096))
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789")
            link.close()

    threading.Thread(target=answer, daemon=True).start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    found = RealHttp().call("POST", address, "/x", b"query=up", {}, timeout_ms=2000, longest=10)
    assert (found.status, found.body) == (200, b"0123456789")
    assert asked[0].startswith(b"POST /x HTTP/1.1\r\n")
    with pytest.raises(NoReply, match="more than"):
        RealHttp().call("DELETE", address, "/x?y", b"", {"X-A": "b"}, timeout_ms=2000, longest=9)
    assert asked[1].startswith(b"DELETE /x?y HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in asked[1]
    listener.close()
    with pytest.raises(NoReply, match="refused"):
        RealHttp().call("GET", address, "/x", b"", {}, timeout_ms=2000, longest=9)
