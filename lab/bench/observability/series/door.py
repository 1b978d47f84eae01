"""The one door by which Prometheus reaches all that it asks: a proxy that answers itself, and takes alerts, too."""

from __future__ import annotations

import gzip
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

from lab.bench.observability.series.text import Text

_LOOPBACK: Final = "127.0.0.1"
HTTP: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Never through a proxy of the machine's: what is asked is on it."""


@dataclass
class Door:
    """`answers` are as of `answers.answers`; `own` is where Prometheus itself answers, by its address in targets.

    `asked` counts by address, `sizes` has the bytes of the last answer before it is compressed, `alerts` what was told
    to Alertmanager, in requests.
    """

    answers: Mapping[str, Text]
    own: Mapping[str, str]
    asked: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, url: str) -> bytes | None:
        """The body for an absolute URL as proxies get them, None for one that nobody has."""
        parts = urlsplit(url)
        address = parse_qs(parts.query).get("target", [parts.netloc])[0]
        with self._lock:
            time = self.asked[address]
            self.asked[address] += 1
        if address in self.own:
            with HTTP.open(f"http://{self.own[address]}{parts.path}", timeout=10) as answer:
                body: bytes = answer.read()
        elif address in self.answers:
            body = self.answers[address].at(time)
        else:
            return None
        with self._lock:
            self.sizes[address] = len(body)
        return body

    @contextmanager
    def open(self) -> Iterator[str]:
        """It answers at this URL while the context lasts."""
        server = ThreadingHTTPServer((_LOOPBACK, 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{_LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = door.answer(self.path)
            if body is None:
                return self.send_error(404)
            self._send(gzip.compress(body, 1), {"Content-Encoding": "gzip"})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            door.alerts += 1
            self._send(b"", {})

        def _send(self, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    return Handler
