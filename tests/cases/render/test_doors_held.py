"""Edges while the doors of all servers behind them hold new connections, as they do when a project comes to a fleet."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from .caddies import HERE, running
from .case import FOLDER, Case


class Held:
    """A door as it is while its Caddy reloads: the first packets of new connections are dropped, and those that clients'
    kernels send again are answered once it is over."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nheld"

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HERE, port))
        self._socket.listen(0)
        self._queued = []  # a full queue lets the kernel drop what else comes
        for _ in range(2):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((HERE, port))
            self._queued.append(one)

    def over(self) -> None:
        """From now on whoever comes is answered, however many come in the same moment."""
        self._socket.listen(128)
        threading.Thread(target=self._serve, daemon=True).start()

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep it open
        for one in (*self._queued, self._socket):
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):  # ended
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if connection.recv(65536):
                connection.sendall(self.ANSWER)


@pytest.mark.parametrize(
    ("case", "edge", "host", "behind"),
    [
        ("fleet", "edge1", "blog.example.com", ("app1", "app2")),
        ("several-edges", "web1", "worker.example.com", ("work1",)),
    ],
)
def test_doors_that_all_reload_at_once_keep_visitors_waiting_and_fail_nobody(
    tmp_path: Path, case: str, edge: str, host: str, behind: tuple[str, ...]
) -> None:
    """A project that comes lets all servers hold their doors, each up to eight seconds on a busy host."""
    with running(Case(FOLDER / case), tmp_path) as servers:
        for name in behind:
            servers[name].caddy.end()
        held = [Held(servers[name].ports["inner"]) for name in behind]
        try:
            with ThreadPoolExecutor() as pool:
                asked = [
                    pool.submit(servers[edge].ask, host, "/", method, body=body, timeout=20)
                    for method, body in (("GET", None), ("POST", b"x"), ("POST", b"x"))
                ]
                # Packets come again 1, 3, 4.5 and 6.5 s after the first: that leaves a busy machine room.
                time.sleep(5)
                for each in held:
                    each.over()
                answers = [(each.result().status, each.result().body) for each in asked]
        finally:
            for each in held:
                each.end()
    assert answers == [(200, "held")] * 3
