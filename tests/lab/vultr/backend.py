"""Runs on servers of the balancer's test: names itself and what it sees, on port 443; its health and requests on 80."""

import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Lines(socketserver.StreamRequestHandler):
    """`name peer what-PROXY-said line`; after `stay` every line comes back."""

    def handle(self) -> None:
        first = self.rfile.readline().decode().strip()
        proxy, line = "-", first
        if first.startswith("PROXY "):
            proxy, line = ",".join(first.split()), self.rfile.readline().decode().strip()
        self.wfile.write(f"{os.uname().nodename} {self.client_address[0]} {proxy} {line}".encode())
        while line == "stay" and (more := self.rfile.readline()):
            self.wfile.write(more)


class Web(BaseHTTPRequestHandler):
    """Health by a file; anything else is answered with the request's own headers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        ill = self.path == "/api/health" and os.path.exists("/root/ill")
        body = str(self.headers).encode()
        self.send_response(503 if ill else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


threading.Thread(target=Server(("", 443), Lines).serve_forever).start()
ThreadingHTTPServer(("", 80), Web).serve_forever()
