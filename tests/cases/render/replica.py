"""An app as a process of its own, so that it can be killed: `replica.py PORT NAME STATE-FILE`.

It answers with its name. The words of the state file make it ill: `sick` (503 at the health path), `slow` (no answer there).
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_GREETING = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self._echo()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/headers":
            return self._answer(200, json.dumps(self.headers.items()).encode())
        if self.path.startswith("/status/"):
            return self._answer(int(self.path.rpartition("/")[2]), b"")
        if self.path == "/crash":
            with STATE.with_suffix(".crashes").open("a") as crashes:
                crashes.write(f"{self.command}\n")
            self.close_connection = True
            return self.connection.close()
        if self.path == "/stream":
            return self._stream()
        if self.path == "/api/health":
            words = STATE.read_text() if STATE.exists() else ""
            if "slow" in words:
                time.sleep(8)
            return self._answer(503 if "sick" in words else 200, b'{"database": "ok"}')
        return self._answer(200, NAME.encode() + b" " + body[:20])

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Codeb-Replica", "9.9.9.9:9")
        self.send_header("X-Codeb-Upstream", "9.9.9.9:9")
        self.send_header("X-Powered-By", "replica")
        self.send_header("Strict-Transport-Security", "max-age=0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            time.sleep(0.5)
        self.close_connection = True

    def _echo(self) -> None:
        """A WebSocket that says back what it is told, frame by short frame."""
        key = self.headers["Sec-WebSocket-Key"].encode() + _GREETING
        accept = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        while len(head := self.rfile.read(2)) == 2:
            mask, data = self.rfile.read(4), self.rfile.read(head[1] & 127)
            plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
            self.wfile.write(bytes([head[0], len(plain)]) + plain)
        self.close_connection = True

    do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


if __name__ == "__main__":
    PORT, NAME, STATE = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", PORT), App).serve_forever()
