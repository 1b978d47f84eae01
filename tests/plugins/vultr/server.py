"""A server on loopback in the API's place, which answers what a test tells it to and remembers what it was asked."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """What was asked; `at_s` is the time by the test's clock. No body is None."""

    method: str
    path: str
    body: Any = None
    at_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return (
            f"{self.method} {self.path} {'' if self.body is None else json.dumps(self.body, sort_keys=True)}"
        )


@dataclass(frozen=True)
class Answer:
    """What is answered; `cut` closes the connection instead."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    short: bool = False
    """Less comes than was announced, then the connection is closed."""

    @property
    def data(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":"))
        data = b"" if self.body is None else text.encode()
        return gzip.compress(data) if "Content-Encoding" in self.headers else data


Behaviour = Callable[[Call], Answer]


class Server:
    """Answers by `behaviour`, which a test may change at any time."""

    def __init__(self, behaviour: Behaviour, certificate: ssl.SSLContext | None = None) -> None:
        self.behaviour, self.calls = behaviour, list[Call]()
        self.now = lambda: 0.0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if certificate is not None:
            self._http.socket = certificate.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_port}/v2"

    def asked(self, call: Call) -> Answer:
        with self._lock:
            self.calls.append(call)
            return self.behaviour(call)

    def taken(self) -> list[Call]:
        """The calls since this was last asked for."""
        with self._lock:
            calls, self.calls = self.calls, []
        return calls

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length)
                body = json.loads(text) if text else None
                told = server.asked(
                    Call(self.command, self.path, body, server.now(), dict(self.headers.items()))
                )
                if told.cut:
                    self.close_connection = True
                    return
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told.data)))
                self.end_headers()
                self.wfile.write(told.data[: len(told.data) // 2] if told.short else told.data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()
