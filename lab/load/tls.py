"""HTTP/1.1 to a target, for what asks it one thing after the other."""

from __future__ import annotations

import http.client
import socket
import ssl

from lab.load.target import Target


class Connection(http.client.HTTPSConnection):
    """A kept-alive connection, opened when it is needed; its certificate is checked against the target's CA."""

    def __init__(self, to: Target, timeout: float = 10) -> None:
        super().__init__(to.host, timeout=timeout)
        self.to = to
        self._trust = ssl.create_default_context(cafile=str(to.ca))

    def connect(self) -> None:
        """To the target's address and port, whatever the name says."""
        plain = socket.create_connection((self.to.address, self.to.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.to.host)
