"""What every plugin process does: say where it listens, serve, end with the CLI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
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


class _Ended(Exception):
    """The CLI told us to end."""


def serve(add: Callable[[grpc.Server], None], end: Callable[[bool], None]) -> NoReturn:
    """Serve what `add` adds on a free port of loopback until the CLI ends, however it does; then call `end` and exit.

    The CLI reads the port from the first line of standard output. It holds standard input open as long as it lives, so a
    killed CLI leaves no plugin behind; it sends SIGINT when it is done, and `end` is told so by True.
    """
    server = grpc.server(ThreadPoolExecutor(CALLS_AT_ONCE), options=_OPTIONS)
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    asked = False
    try:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        while os.read(0, 4096):
            pass
    except _Ended:
        asked = True
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end(asked)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still wait for a peer must not hold the process


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _Ended
