"""A stand-in for Anthropic's messages API on loopback: `POST /v1/messages` as the SDK sends it, its answers and its errors.

It refuses what the API refuses of these requests: no key, no version, tools forced on models of generation 5.5, schemas that
allow more. `python -m lab.delivery.anthropic --port 0` serves until it is stopped and prints its address.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from lab.delivery import diagnosis

BEHAVIOURS: Final = (*diagnosis.DOCUMENTS, *diagnosis.RAW, "refuse", "cut", "tool", "no-json")
KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_LARGEST: Final = 32 << 20
Json = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """An answer that is an error; `seconds` are silent before it, `retry_after` is the header, "" for none."""

    status: int
    retry_after: str = ""
    seconds: float = 0


class RefusedError(Exception):
    """What is wrong with a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Service:
    """`troubles` come first, one a request; then answers of a behaviour. `requests` are the bodies that came."""

    key: str = field(repr=False)
    behaviour: str = "well"
    troubles: list[Trouble] = field(default_factory=list)
    requests: list[Json] = field(default_factory=list)
    record: Path | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, authorization: str, version: str, body: bytes) -> tuple[int, Json, str]:
        """Status, document and `retry-after` for a request."""
        try:
            document = self._read(path, authorization, version, body)
        except RefusedError as refused:
            return refused.status, error(refused.status, str(refused)), ""
        with self.lock:
            self._remember(document)
            trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            time.sleep(trouble.seconds)
            return trouble.status, error(trouble.status, "as told"), trouble.retry_after
        question = document["messages"][-1]["content"]
        return 200, diagnosis.message(self.behaviour, question, document["model"]), ""

    def _remember(self, document: Json) -> None:
        self.requests.append(document)
        if self.record is not None:
            with self.record.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(document) + "\n")

    def _read(self, path: str, authorization: str, version: str, body: bytes) -> Json:
        if path != "/v1/messages":
            raise RefusedError(404, "Not found")
        if authorization != f"Bearer {self.key}":
            raise RefusedError(401, "invalid x-api-key")
        if not version:
            raise RefusedError(400, "anthropic-version: header is required")
        try:
            document = json.loads(body)
        except ValueError:
            raise RefusedError(400, "The request body is not valid JSON") from None
        if not isinstance(document, dict):
            raise RefusedError(400, "The request body is not an object")
        _check(document)
        return document


def _check(document: Json) -> None:
    limit, messages = document.get("max_tokens"), document.get("messages")
    if not isinstance(document.get("model"), str):
        raise RefusedError(400, "model: Field required")
    if not isinstance(limit, int) or limit < 1:
        raise RefusedError(400, "max_tokens: Input should be greater than or equal to 1")
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1].get("content"), str):
        raise RefusedError(400, "messages: at least one message is required")
    if document.get("tool_choice", {}).get("type") in ("tool", "any") and "-5-5" in document["model"]:
        raise RefusedError(400, "tool_choice: forced tool use is not supported by this model")
    schema = (
        document.get("output_config", {}).get("format", {}).get("schema", {"additionalProperties": False})
    )
    if schema.get("additionalProperties") is not False:
        raise RefusedError(
            400, "output_config.format.schema: 'additionalProperties' must be explicitly set to false"
        )


def error(status: int, message: str) -> Json:
    """An error as the API writes it."""
    return {
        "type": "error",
        "error": {"type": KINDS.get(status, "api_error"), "message": message},
        "request_id": "req_1",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > _LARGEST:
            self.close_connection = True
            self._send(413, error(413, "Request exceeds the maximum size"), "")
            return
        body = self.rfile.read(length)
        status, document, wait = self.service.answer(
            self.path.partition("?")[0],
            self.headers.get("authorization", ""),
            self.headers.get("anthropic-version", ""),
            body,
        )
        self._send(status, document, wait)

    def _send(self, status: int, document: Json, wait: str) -> None:
        broken = status == 200 and self.service.behaviour == "no-json"
        content = b'{"type": "mess' if broken else json.dumps(document).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.send_header("request-id", "req_1")
            if wait:
                self.send_header("retry-after", wait)
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # whoever asked did not wait
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is in `requests`."""


@contextmanager
def serving(service: Service, port: int = 0) -> Iterator[str]:
    """The address of a service, as long as it is needed; `port` 0 takes any."""
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until stopped. The key is in the file that `--key-file` names."""
    parser = argparse.ArgumentParser(prog="python -m lab.delivery.anthropic", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--behaviour", choices=BEHAVIOURS, default="well")
    parser.add_argument("--record", type=Path, help="file for what was asked, a document a line")
    options = parser.parse_args()
    key = options.key_file.read_text(encoding="utf-8").strip()
    with serving(Service(key, options.behaviour, record=options.record), options.port) as url:
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
