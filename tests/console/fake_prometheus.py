"""Prometheus' HTTP API with what a test puts into it: the queries of the console are answered by name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from codeb.render.console import SOURCES

QUERIES = json.loads((SOURCES / "queries.json").read_text())
Labels = dict[str, str]


@dataclass
class Prometheus:
    """Answers by the query's text, `$range` and `$project` not filled in; `broken` is a status and body for everything."""

    port: int = 0
    vectors: dict[str, list[tuple[Labels, float]]] = field(default_factory=dict)
    lines: dict[str, float] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    broken: tuple[int, str] | None = None
    failing: set[str] = field(default_factory=set)
    now: Callable[[], float] = time.time
    asked: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """Knows nothing, and answers."""
        self.__dict__.update(vars(Prometheus(self.port)))

    def projects(self, states: dict[str, int], **more: float) -> None:
        """Healthy or not, with figures for each; `more` are the other columns' values."""
        every = QUERIES["every_project"]
        info = [
            ({"project": name, "domain": f"p{index}.lab.test", "release": "r1"}, 1.0)
            for index, name in enumerate(states)
        ]
        self.vectors[every["info"]] = info
        self.vectors[every["state"]] = [({"project": name}, float(state)) for name, state in states.items()]
        values = {"rate": 2.0, "errors": 0.01, "p95": 0.25, "memory": 256 * 2**20, "cpu": 0.5} | more
        for name, value in values.items():
            self.vectors[every[name]] = [({"project": project}, value) for project in states]
        self.vectors[QUERIES["age"]["evaluated"]] = [({}, self.now() - 10)]
        self.vectors[QUERIES["age"]["told"]] = [({"server": "app-1"}, 20.0)]
        self.vectors[QUERIES["age"]["grafana"]] = [({}, 1.0)]

    def platform(self, total: float, mean: float, errors: float) -> None:
        figures, charts = QUERIES["all"]["figures"], QUERIES["all"]["charts"]
        for name, value in (("total", total), ("mean", mean), ("errors", errors)):
            self.vectors[figures[name]] = [({}, value)]
        self.lines |= {
            charts["p50"]: 0.02, charts["p95"]: 0.2, charts["p99"]: 0.9, charts["rate"]: 12.0, charts["failed"]: 0.5,
        }  # fmt: skip

    def answer(self, path: str, given: dict[str, list[str]]) -> tuple[int, str]:
        self.asked.append(path + "?" + given.get("query", [""])[0])
        if self.broken:
            return self.broken
        if path == "/api/v1/alerts":
            return _success({"alerts": self.alerts})
        query = given["query"][0]
        if query in self.failing:
            return 422, json.dumps({"status": "error", "errorType": "execution", "error": "too many samples"})
        if path == "/api/v1/query":
            return _success(self._instant(query))
        if path == "/api/v1/query_range":
            return _success(self._range(query, *(float(given[name][0]) for name in ("start", "end", "step"))))
        return 404, "404 page not found"

    def _instant(self, query: str) -> dict[str, Any]:
        now = self.now()
        if query == "time()":
            return {"resultType": "scalar", "result": [now, str(now)]}
        found = self.vectors.get(query) or self.vectors.get(self._template(query), [])
        result = [{"metric": labels, "value": [now, repr(value)]} for labels, value in found]
        return {"resultType": "vector", "result": result}

    def _range(self, query: str, start: float, end: float, step: float) -> dict[str, Any]:
        value = self.lines.get(query)
        times = [start + index * step for index in range(int((end - start) / step) + 1)]
        values = [] if value is None else [[at, repr(value)] for at in times]
        return {"resultType": "matrix", "result": [{"metric": {}, "values": values}] if values else []}

    @staticmethod
    def _template(query: str) -> str:
        for seconds in ("15m", "1h", "6h", "24h", "7d"):
            query = query.replace(f"[{seconds}:1m]", "[$range:1m]")
        return query


def _success(data: Any) -> tuple[int, str]:
    return 200, json.dumps({"status": "success", "data": data})


@contextmanager
def prometheus(port: int) -> Iterator[Prometheus]:
    """One that listens on loopback."""
    fake = Prometheus(port)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            status, text = fake.answer(split.path, parse_qs(split.query))
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
