"""The benchmark's app in small, without a database: `python app.py ADDRESS PORT VERSION`, its colour in CODEB_COLOUR."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

WHO = {"version": sys.argv[3], "colour": os.environ["CODEB_COLOUR"], "hostname": "here"}
stopping = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """One connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/events":
            self._events()
        elif path == "/api/live":
            self._live()
        else:
            self._answer({"status": "ok", "cached": False, **WHO})

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/api/upload"):
            self._answer({"sha256": hashlib.sha256(body).hexdigest(), **WHO})
        else:
            self._answer({"reference": parse_qs(urlsplit(self.path).query)["reference"][0]}, 201)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, document: dict[str, object], status: int = 200) -> None:
        text = json.dumps(document, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(f"data: {json.dumps(WHO)}\n\n".encode())
                if stopping.wait(1):
                    return

    def _live(self) -> None:
        protocol = ServerProtocol()
        lines = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
        protocol.receive_data("\r\n".join(lines).encode())
        self.close_connection = True
        self.connection.settimeout(0.2)
        with suppress(OSError):
            while not protocol.close_expected():
                for event in protocol.events_received():
                    if isinstance(event, Request):
                        protocol.send_response(protocol.accept(event))
                        protocol.send_text(json.dumps(WHO).encode())
                    elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                        protocol.send_text(bytes(event.data))
                if stopping.is_set() and not protocol.close_sent:
                    protocol.send_close(1001)
                self.wfile.write(b"".join(protocol.data_to_send()))
                with suppress(TimeoutError):
                    if not (data := self.connection.recv(4096)):
                        return
                    protocol.receive_data(data)
            self.wfile.write(b"".join(protocol.data_to_send()))

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """Its threads are waited for at the end."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    server = Server((sys.argv[1], int(sys.argv[2])), Handler)

    def stop(*_: object) -> None:
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    server.socket.close()
    time.sleep(3)  # for answers and good-byes under way


if __name__ == "__main__":
    with suppress(socket.error):
        main()
