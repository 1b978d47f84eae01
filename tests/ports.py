"""Ports for servers that tests start, and ports on which nobody answers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

# Below Linux's ports for outgoing connections (32768 and up), so that none of those takes one between the
# look and the server's bind; each worker of pytest-xdist has a thousand of its own.
_FIRST = 16_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_next = count()


def free_port() -> int:
    """A loopback port that nobody uses and that no other test is given."""
    while True:
        port = _FIRST + next(_next) % 1_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def refusing_port() -> Iterator[int]:
    """A loopback port that refuses connections: it is bound, so nobody else comes to listen on it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
