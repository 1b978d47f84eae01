"""A TCP balancer: each connection to the next server that takes it."""

from __future__ import annotations

import itertools
import socket
import threading
from contextlib import suppress

Address = tuple[str, int]


class Balancer:
    """Listens on a port of loopback. `targets` may change while it runs; without any it hangs up. `served` counts."""

    def __init__(self, port: int) -> None:
        self.targets: list[Address] = []
        self.served: dict[str, int] = {}
        self._turn = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, visitor: socket.socket) -> None:
        with visitor:
            server = self._next()
            if server is None:
                return
            with server:
                back = threading.Thread(target=_pass_on, args=(server, visitor), daemon=True)
                back.start()
                _pass_on(visitor, server)
                back.join(10)

    def _next(self) -> socket.socket | None:
        targets = list(self.targets)
        first = next(self._turn)
        for step in range(len(targets)):
            target = targets[(first + step) % len(targets)]
            with suppress(OSError):
                server = socket.create_connection(target, 2)
                self.served[target[0]] = self.served.get(target[0], 0) + 1
                return server
        return None


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
