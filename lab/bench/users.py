"""Users of one app while something is done to it: each POSTs on a connection of its own and pauses for a random time.

A pool of connections, as vegeta has for HTTP/1.1, would leave most of them unused for minutes; here none is for long,
as with browsers.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import random
import select
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.host import Lab
from lab.load import Target, tools
from lab.load.samples import percentile
from lab.load.tls import Connection
from lab.load.vegeta import TIMEOUT_SECONDS, Attack, Kind

BODY = b"x" * 1000
PAUSES = (0.1, 0.3)
RATE = 5  # requests a second of one user
HTTP2 = Kind("h2-kept", 1)


@dataclass(frozen=True)
class Row:
    """What became of the requests of one kind of client."""

    client: str
    requests: int
    failed: int
    p99_ms: float
    slowest_ms: float
    causes: str

    @classmethod
    def of(cls, client: str, times: list[float], causes: Counter[str]) -> Row:
        """From the seconds that each request took, failed ones too, and what those failed of."""
        told = ", ".join(f"{count}x {cause}" for cause, count in causes.items())
        slowest = max(times, default=0) * 1000
        return cls(client, len(times), causes.total(), percentile(times, 99) * 1000, slowest, told)


@dataclass
class Users:
    """Some users with HTTP/1.1, each of which keeps its connection, or opens one for each request."""

    name: str
    to: Target
    kept: bool
    times: list[float] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Begin in the background."""
        self._threads = [threading.Thread(target=self._use, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Row:
        """Let requests under way finish; what became of all."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        return Row.of(self.name, self.times, self.causes)

    def _use(self) -> None:
        connection = Connection(self.to, TIMEOUT_SECONDS)
        while not self._end.wait(random.uniform(*PAUSES)):  # noqa: S311 no secret
            if not self.kept or _closed(connection):
                connection.close()
            began = time.monotonic()
            if cause := _post(connection):
                self.causes[cause] += 1
                connection.close()
            self.times.append(time.monotonic() - began)
        connection.close()


def _closed(connection: Connection) -> bool:
    """Whether the server has ended it: an answer is due to nobody, so all that can be read is the end."""
    sock: ssl.SSLSocket | None = connection.sock
    return sock is not None and bool(select.select([sock], [], [], 0)[0])


def _post(connection: Connection) -> str | None:
    """What went wrong, if anything."""
    try:
        connection.request("POST", "/", BODY)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return None if answer.status == 200 else f"status {answer.status}"


def under_load(to: Target, work: Callable[[], object], users: int) -> tuple[float, list[Row]]:
    """Seconds that the work took, and what became of the requests of so many users of each kind meanwhile."""
    ours = [Users("HTTP/1.1 keep-alive", to, kept=True), Users("HTTP/1.1 fresh", to, kept=False)]
    with tempfile.TemporaryDirectory(prefix="codeb-users-") as folder:
        program = tools.build(Lab.here())
        attack = Attack.start(program, HTTP2, users * RATE, _posts(to), to, Path(folder))
        try:
            for one in ours:
                one.start(users)
            time.sleep(3)
            began = time.monotonic()
            work()
            seconds = time.monotonic() - began
            time.sleep(1)
            rows = [one.stop() for one in ours]
            found = attack.stop(_wrong)
        finally:
            attack.process.kill()
    causes = Counter(one.wrong for one in found if one.wrong)
    return seconds, [*rows, Row.of("HTTP/2", [one.ms / 1000 for one in found], causes)]


def _posts(to: Target) -> Iterator[bytes]:
    found = {"method": "POST", "url": f"{to.url}/", "body": base64.b64encode(BODY).decode()}
    return itertools.repeat(json.dumps(found).encode() + b"\n")


def _wrong(result: dict[str, Any]) -> str | None:
    return (
        None if result["code"] == 200 else result["error"].rpartition(": ")[2] or f"status {result['code']}"
    )
