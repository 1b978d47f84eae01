"""Visitors of the watched app, some of whom get an error on purpose; what the services of monitoring answer on the host."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from stack import Stack, get, new_project

APP = Path(__file__).parent / "watched"
NAME = "watched"
URL = f"https://{NAME}.lab.test"
_RATE_HZ = 20
_ONE_IN = 20
"""Of so many requests one fails while there are errors: 5 %."""


def manifest(tag: str = "1") -> dict[str, Any]:
    """A project of the app that traces, tells figures, and counts in its log."""
    found = new_project(NAME, COUNT_FROM="1")
    found["project"]["lifecycle"] = "destroy"
    found["environment"]["image"] = f"registry.lab.test:5000/tests/watched:{tag}"
    found["features"] = {"metrics": True, "tracing": True}
    found["monitoring"]["health"] |= {"path": "/health"}
    found["monitoring"] |= {"metrics_path": "/metrics", "alerts": {"error_rate_percent": 5}}
    return found


@dataclass
class Visitors:
    """Requests by the second, all the time; `wrong` are those that were not answered as they should."""

    failing: bool = False
    made: int = 0
    wrong: list[str] = field(default_factory=list)

    def visit(self, number: int) -> None:
        """One request."""
        fails = self.failing and number % _ONE_IN == 0
        expected = 500 if fails else 200
        try:
            status: object = get(f"{URL}/{'fail' if fails else 'page'}?{number}").status
        except OSError as error:
            status = repr(error)
        self.made += 1
        if status != expected:
            self.wrong.append(f"{time.strftime('%H:%M:%S')} request {number}: {status}, not {expected}")


@contextmanager
def visiting() -> Iterator[Visitors]:
    """Twenty requests a second from five threads, until the block ends."""
    visitors, done = Visitors(), threading.Event()
    counter = iter(range(1, 10**9))

    def come(first: float) -> None:
        at = first
        while not done.wait(max(0, at - time.monotonic())):
            visitors.visit(next(counter))
            at = max(at + 5 / _RATE_HZ, time.monotonic() - 1)

    begin = time.monotonic()
    threads = [threading.Thread(target=come, args=(begin + each / _RATE_HZ,)) for each in range(5)]
    for thread in threads:
        thread.start()
    try:
        yield visitors
    finally:
        done.set()
        for thread in threads:
            thread.join()


def asked(stack: Stack, port: int, path: str, **given: object) -> str:
    """What a service at a port of the host's loopback answers to a GET."""
    url = f"http://127.0.0.1:{port}{path}?{urlencode(given)}"
    done = stack.on_host("curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "20", url)
    assert done.returncode == 0, f"{url}: {done.stderr.decode()} {done.stdout.decode()}"
    return done.stdout.decode()


def series(stack: Stack, query: str, *, over: float = 0) -> list[dict[str, Any]]:
    """What Prometheus answers to a query now, or over so many seconds."""
    if over:
        now = time.time()
        text = asked(stack, 9090, "/api/v1/query_range", query=query, start=now - over, end=now, step=15)
    else:
        text = asked(stack, 9090, "/api/v1/query", query=query)
    found: list[dict[str, Any]] = json.loads(text)["data"]["result"]
    return found


def by_project(stack: Stack, query: str) -> dict[str, float]:
    """The value of each project."""
    return {each["metric"]["project"]: float(each["value"][1]) for each in series(stack, query)}


def lines(stack: Stack, query: str, limit: int = 100_000) -> list[dict[str, Any]]:
    """What the log store has for a query in its language."""
    text = asked(stack, 9428, "/select/logsql/query", query=query, limit=limit)
    return [json.loads(line) for line in text.splitlines()]


def until(found: Callable[[], object], seconds: float, what: str) -> Any:
    """What is found as soon as there is any; AssertionError when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(1)


def told(requests: Sequence[Any], alert: str, project: str) -> list[str]:
    """`firing` and `resolved`, in order, of an alert of a project in what a webhook was sent."""
    found = []
    for request in requests:
        if "alerts" not in request.document:
            continue
        labels = request.document["commonLabels"]
        if labels.get("alertname") == alert and labels.get("project") == project:
            found.append(str(request.document["status"]))
    return found
