"""Users of HTTP/1.1: whose connections are kept, and that what a server drops is told."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.bench.users import Row, Users
from lab.certificates import issue
from lab.host.processes import wait_until
from lab.load import Target

HOST = "app.lab.test"


class Server(ThreadingHTTPServer):
    """Answers POSTs; `answers` are given out by connection and number of the request on it."""

    daemon_threads = True

    def __init__(self, folder: Path, answers: dict[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = answers, Counter[int]()
        shown = issue(folder, HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown.certificate, shown.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.target = Target(HOST, "127.0.0.1", shown.ca, self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked[self.client_address[1]] += 1
        what = self.server.answers.get(self.server.asked.total(), "200")
        self.close_connection = what in ("drop", "close")
        if what == "drop":
            return
        self.send_response(200 if what == "close" else int(what))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path, answers: dict[int, str]) -> Iterator[Server]:
    server = Server(folder, answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def used(server: Server, kept: bool, requests: int = 5) -> Row:
    """What one user saw until so many requests came."""
    users = Users("a user", server.target, kept)
    users.start(1)
    assert wait_until(lambda: server.asked.total() >= requests, 20)
    return users.stop()


@pytest.mark.parametrize("kept", [True, False])
def test_a_connection_is_kept_or_opened_for_each_request(tmp_path: Path, kept: bool) -> None:
    with serving(tmp_path, {}) as server:
        row = used(server, kept)
        assert (row.failed, row.requests) == (0, server.asked.total())
        assert len(server.asked) == (1 if kept else row.requests)


def test_what_is_dropped_or_refused_is_told_once(tmp_path: Path) -> None:
    with serving(tmp_path, {2: "drop", 4: "503"}) as server:
        row = used(server, kept=True, requests=6)
    assert (row.failed, row.causes) == (2, "1x RemoteDisconnected, 1x status 503")


def test_a_connection_that_was_closed_in_between_is_not_used_again(tmp_path: Path) -> None:
    with serving(tmp_path, {2: "close"}) as server:
        row = used(server, kept=True)
        assert (row.failed, len(server.asked)) == (0, 2)
