"""Projects of the fleet's tests, and visitors who ask for them while something happens."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.apps import PROBE
from lab.fleet.production import PATIENT, Production


@dataclass
class Visitors:
    """Requests of two visitors, again and again while the block runs."""

    production: Production
    domain: str
    seen: list[tuple[float, str]] = field(default_factory=list)

    def __enter__(self) -> Visitors:
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(2)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self) -> None:
        while not self._done.wait(0.1):
            began = time.monotonic()
            self.seen.append((began, self.production.ask(self.domain).status))

    def failed(self, since: float = 0) -> list[tuple[float, str]]:
        """Requests that were begun since then and got no 200: how long after it, and how they ended."""
        return sorted((round(at - since, 2), how) for at, how in self.seen if at >= since and how != "200")

    def said(self) -> str:
        return str(dict(Counter(how for _, how in self.seen)))


def echo(title: str) -> dict[str, Any]:
    """A project without data that runs on both app servers."""
    return {
        "project": {"id": "echo"},
        "environment": {
            "domain": "echo.lab.test",
            "image": "registry.lab.test:5000/codeb/echo:1.0.0",
            "variables": {"TITLE": title},
        },
        "servers": {"replicas": 2},
        "resources": {name: {"enabled": False} for name in ("database", "cache", "storage")},
        "monitoring": {"health": {"path": "/", "interval": "500ms", "start_timeout": "60s", **PATIENT}},
    }


def shop() -> dict[str, Any]:
    """A project that stores orders."""
    return {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.lab.test", "image": PROBE.image},
        "monitoring": {"health": {"interval": "500ms", "start_timeout": "60s", **PATIENT}},
    }
