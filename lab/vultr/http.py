"""HTTPS around the service: one thread a connection, which can be cut without a word."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.certificates import Certificate
from lab.vultr.service import CutError, Reply, Request, Service, error

LOG = logging.getLogger(__name__)

IDLE_S = 120
"""So long is a connection kept that says nothing."""
MOST_BYTES = 4_000_000


class HttpsServer(ThreadingHTTPServer):
    """Listens on one address; `service` answers."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], service: Service, certificate: Certificate) -> None:
        self.service = service
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is the connection's own thread's: a silent client is in nobody's way."""
        connection, address = super().get_request()
        connection.settimeout(IDLE_S)
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes in the middle is no news; anything else is the simulator's own fault and shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop listening and cut every connection, as a server that dies does."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            cut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer goes out as one piece
    server: HttpsServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """`calls.log` has it."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self._send(Reply(413, {"error": "Payload too large", "status": 413}))
            self.close_connection = True
            return
        scheme, _, key = (self.headers.get("Authorization") or "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else ""
        request = Request(self.command, self.path, key, self.rfile.read(length))
        try:
            reply = self.server.service.answer(request)
        except CutError as problem:
            if problem.reply:
                self._send(problem.reply, half=True)
            self.close_connection = True
            cut(self.connection)
        except Exception:
            LOG.exception("%s %s", self.command, self.path)
            self._send(error(500, "The simulator has a fault of its own: see its errors"))
        else:
            self._send(reply)

    def _send(self, reply: Reply, half: bool = False) -> None:
        content = reply.content()
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.body is not None:
            self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.wfile.flush()


def cut(connection: socket.socket) -> None:
    """End a connection at once, without TLS's goodbye."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
