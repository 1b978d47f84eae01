"""What is released and how: the one port of the benchmark, and how each way's app is asked who serves."""

from __future__ import annotations

import http.client
import json
import time
from contextlib import AbstractContextManager
from typing import Any, Protocol

from lab.load import Target
from lab.load.streams import Moment
from lab.load.tls import Connection

WAIT_SECONDS = 30


class BenchError(Exception):
    """The benchmark can't go on; nothing is known about releases."""


class Way(Protocol):
    """A way to release the app: our stack, or a peer with a script. All raise BenchError."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def target(self) -> Target:
        """Where visitors find the app."""

    def tag(self, number: int) -> str:
        """The image's tag in a release, which is the version that the app then tells."""

    def up(self, number: int) -> AbstractContextManager[None]:
        """Everything that is needed, with this release serving; a peer is gone afterwards."""

    def release(self, number: int) -> float:
        """Release once; returns since when the new colour serves for certain (seconds since the epoch)."""

    def stops(self, since: float) -> list[Moment]:
        """When the app's colours began to be stopped."""


def ask(connection: Connection) -> dict[str, Any]:
    """The app's version and colour. Raises OSError when nothing answers, BenchError when something else does."""
    connection.request("GET", connection.to.surface.who)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise BenchError(f"{connection.to.surface.who} answered {answer.status}")
    found: dict[str, Any] = json.loads(body)
    return found


def serving(to: Target) -> dict[str, Any]:
    """What the app says of itself through the proxy. Raises BenchError."""
    connection = Connection(to)
    try:
        return ask(connection)
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{to.url} does not answer at {to.address}:{to.port}: {error}") from error
    finally:
        connection.close()


def wait_until_serving(to: Target, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
    """The same, once it answers: a machine that is too busy may take its time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return serving(to)
        except BenchError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
