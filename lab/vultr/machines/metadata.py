"""``python3 metadata.py FOLDER``: the cloud's metadata service, which tells every server about itself, user data included.

Whoever asks is known by the address that the question comes from, and nothing else is asked of him: a container whose
traffic leaves with its server's address is told the same. FOLDER has a JSON document for each address. Standard library
only: it runs in a root of its own, at 169.254.169.254.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESS = "169.254.169.254"
USER_DATA = ("latest/user-data", "user-data/user-data")


def answer(document: dict[str, object], path: str) -> str | None:
    """What is at a path: a value, a folder's names, the whole as JSON, or nothing."""
    place = path.partition("?")[0].strip("/")
    if place in USER_DATA:
        return str(document["user-data"]) or None
    if place == "v1.json":
        return json.dumps(document)
    first, *rest = place.split("/")
    if first != "v1":
        return None
    found: object = document
    for name in rest:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict):
        return "\n".join(f"{name}/" if isinstance(value, dict) else name for name, value in found.items())
    if isinstance(found, list):
        return "\n".join(map(str, found))
    return None if found is None else str(found)


class Handler(BaseHTTPRequestHandler):
    """One question."""

    folder: Path

    def do_GET(self) -> None:
        try:
            document = json.loads((self.folder / f"{self.client_address[0]}.json").read_text())
        except FileNotFoundError:
            found = None
        else:
            found = answer(document, self.path)
        body = (found or "not found").encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(folder: Path) -> None:
    """Serve for ever."""
    handler = type("Here", (Handler,), {"folder": folder})
    ThreadingHTTPServer((ADDRESS, 80), handler).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
