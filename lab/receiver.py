"""An HTTP server that remembers what it was sent: webhooks and Sentry as the lab and the tests see them."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BRIDGE = "10.77.0.1"
"""This machine's address on the lab's bridge: lab hosts reach a receiver there."""


@dataclass(frozen=True)
class Request:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """`answers` are given one after the other, then 200 for ever; `answer`, when set, is asked first."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    answer: Callable[[Request], Answer | None] = lambda request: None

    def respond(self, request: Request) -> Answer:
        """Remember a request and say what to answer."""
        self.requests.append(request)
        return self.answer(request) or (self.answers.pop(0) if self.answers else Answer())

    def wait(self, count: int, timeout_s: float = 30) -> list[Request]:
        """The first `count` requests; AssertionError when they don't come in time."""
        end = time.monotonic() + timeout_s
        while len(self.requests) < count and time.monotonic() < end:
            time.sleep(0.05)
        if len(self.requests) < count:
            raise AssertionError(f"{len(self.requests)} of {count} requests came: {self.requests}")
        return self.requests[:count]

    def documents(self, path: str) -> list[Any]:
        """Bodies of what was sent to this path."""
        return [request.document for request in self.requests if request.path == path]


@contextmanager
def receiving(
    address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver at this address of the machine, at a free port unless one is named."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.respond(Request("POST", self.path, headers, body))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer((address, port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"{'https' if tls else 'http'}://{address}:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
