"""WebSockets that stay open as long as they are let, and come again when they were closed. A program of its own.

Each waits for the app's greeting, then says something once a second and wants it back. What happens to each is a line
of JSON on standard output: `at` (seconds since the epoch), `socket`, `event`, and what the event tells. It runs until
SIGINT or SIGTERM, and imports nothing of ours, so that it takes little from what it loads.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

BEAT_SECONDS = 1.0
OPEN_SECONDS = 15.0
CLOSE_SECONDS = 1.0
CAUSE_LENGTH = 80


@dataclass(frozen=True)
class Way:
    """How to the app, and how patient to be with it (seconds)."""

    host: str
    path: str
    address: str
    port: int
    trust: ssl.SSLContext
    silent: float
    pause: float

    def connect(self) -> connect:
        """A connection to be; pings are left out, as the beat tells more."""
        return connect(
            f"wss://{self.host}{self.path}",
            host=self.address,
            port=self.port,
            ssl=self.trust,
            proxy=None,
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
        )


@dataclass
class Socket:
    """One WebSocket from the attempt to its end."""

    name: str
    way: Way
    heard: float = 0

    async def live(self) -> None:
        """Note everything that happens to it; an end of any kind is no error."""
        self._note("connect")
        code: int | None = None
        try:
            async with self.way.connect() as connection:
                try:
                    await self._greeted(connection)
                    await self._talk(connection)
                except ConnectionClosed:
                    pass
                code = connection.close_code
        except (OSError, WebSocketException) as error:
            self._note("error", cause=f"{type(error).__name__}: {error}"[:CAUSE_LENGTH])
        self._note("close", code=code)

    async def _greeted(self, connection: ClientConnection) -> None:
        while (found := _greeting(await connection.recv())) is None:
            self._note("wrong")
        self._note("open", version=found["version"], colour=found["colour"])
        self.heard = time.monotonic()

    async def _talk(self, connection: ClientConnection) -> None:
        beats = asyncio.create_task(self._beat(connection))
        try:
            while True:
                said = await connection.recv()
                self.heard = time.monotonic()
                if not str(said).startswith(f"{self.name} "):
                    self._note("wrong")
        finally:
            beats.cancel()

    async def _beat(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            for number in itertools.count(1):
                await asyncio.sleep(BEAT_SECONDS)
                if time.monotonic() - self.heard > self.way.silent:
                    self._note("silent")
                await connection.send(f"{self.name} {number}")

    def _note(self, event: str, **more: object) -> None:
        line = json.dumps({"at": time.time(), "socket": self.name, "event": event, **more})
        print(line, flush=True)


def _greeting(text: str | bytes) -> dict[str, Any] | None:
    """The app's first message, which says who it is; None when the message is another."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"version", "colour"} <= found.keys() else None


async def keep(number: int, way: Way) -> None:
    """One WebSocket after the other, for ever, each a pause after the end of the one before."""
    for turn in itertools.count():
        await Socket(f"{number}-{turn}", way).live()
        await asyncio.sleep(way.pause)


async def run(count: int, way: Way) -> None:
    """So many at once, until a signal comes; ends that we make ourselves are not noted."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as all_of_them:
        kept = [all_of_them.create_task(keep(number, way)) for number in range(count)]
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, lambda: [task.cancel() for task in kept])


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, help="the app's name")
    parser.add_argument("--path", required=True, help="where the app has WebSockets")
    parser.add_argument("--address", required=True, help="the address that answers for it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True, help="file with the only authority to trust")
    parser.add_argument("--count", type=int, required=True, help="how many stay open")
    parser.add_argument(
        "--silent", type=float, default=5, help="seconds without a word that are too long (5)"
    )
    parser.add_argument("--pause", type=float, default=0.2, help="seconds before it is tried again (0.2)")
    found = parser.parse_args()
    trust = ssl.create_default_context(cafile=found.ca)
    way = Way(found.host, found.path, found.address, found.port, trust, found.silent, found.pause)
    asyncio.run(run(found.count, way))


if __name__ == "__main__":
    main()
