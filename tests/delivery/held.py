"""A reviewer of an environment: what the checkout stand-in asks before a job does anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reviewer:
    """Where it is asked."""

    url: str


@contextmanager
def reviewed(answer: Callable[[str], object]) -> Iterator[Reviewer]:
    """Ask `answer` of each job, as often as it is asked: true lets it go on, false has it wait, "no" refuses it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (job,) = parse_qs(urlsplit(self.path).query)["job"]
            said = answer(job)
            body = json.dumps({"approved": said != "no" and bool(said), "rejected": said == "no"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Reviewer(f"http://127.0.0.1:{server.server_port}/_lab/hold")
    finally:
        server.shutdown()
        server.server_close()
