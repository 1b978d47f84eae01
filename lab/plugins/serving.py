"""What every plugin process does: say where it listens, serve, end with the CLI."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn

import grpc

CALLS_AT_ONCE: Final = 256
"""Above what the CLI sends: it runs four resources a core at once, and a call of ours may wait long for a host."""

MESSAGE_BYTES: Final = 400 << 20
"""Pulumi's own limit (`rpcutil.maxRPCMessageSize`); gRPC's is 4 MiB."""

_OPTIONS: Final = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
]


def serve(add: Callable[[grpc.Server], None], end: Callable[[bool], None]) -> NoReturn:
    """Serve what `add` adds on a free port of loopback until the CLI ends, however it does; then call `end` and exit.

    The CLI reads the port from the first line of standard output. It holds standard input open as long as it lives, so a
    killed CLI leaves no plugin behind; it sends SIGINT when it is done, and `end` is told so by True.
    """
    server = grpc.server(ThreadPoolExecutor(CALLS_AT_ONCE), options=_OPTIONS)
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    told = _told_by_signals()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    asked = _wait(told)
    end(asked)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still wait for a peer must not hold the process


def _told_by_signals() -> int:
    """A descriptor that can be read once the CLI has signalled, whatever the threads were doing just then."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    return told


def _wait(told: int) -> bool:
    """Wait for the end; whether the CLI asked for it."""
    stdin = 0
    while True:
        ready, _, _ = select.select([stdin, told], [], [])
        if told in ready:
            return True
        if not os.read(stdin, 4096):
            return False
