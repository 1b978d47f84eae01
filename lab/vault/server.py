"""The vault on a port of this machine: `with running() as vault: …`."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from lab.vault.answers import DENIED, INVALID_TOKEN, NOBODY, NOTHING, SEALED, Json, Reply, data, error
from lab.vault.kv import Engine
from lab.vault.tokens import Logins, Token

_CAPABILITIES = {"GET": "read", "LIST": "list", "PATCH": "patch", "DELETE": "delete"}
_PREFLIGHT = "preflight capability check returned 403, please ensure client's policies grant access to path"
_MERGE = "application/merge-patch+json"


@dataclass
class Vault:
    """What it has, and what it was asked: `asked` are methods and paths. `answer`, when set, is asked first."""

    url: str
    clock: Callable[[], float] = time.time
    sealed: bool = False
    mounts: dict[str, Engine] = field(default_factory=lambda: {"secret": Engine()})
    old_mounts: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)
    answer: Callable[[str, str], Reply | None] = lambda method, path: None

    def __post_init__(self) -> None:
        self.logins = Logins(lambda: self.clock())
        self._lock = threading.Lock()

    @property
    def kv(self) -> Engine:
        """The engine at `secret`."""
        return self.mounts["secret"]

    def respond(self, method: str, path: str, token: str, kind: str, document: Json) -> Reply:
        """The answer to a request for a path below /v1."""
        with self._lock:
            self.asked.append((method, path))
            early = self.answer(method, path)
            if early is not None:
                return early
            if path == "sys/seal-status":
                return Reply(200, {"sealed": self.sealed, "initialized": True})
            if self.sealed:
                return SEALED
            if path == "auth/approle/login" and method in ("POST", "PUT"):
                return self._log_in(document)
            if not token:
                return NOBODY
            found = self.logins.find(token)
            if found is None:
                return INVALID_TOKEN
            return self._respond(method, path, found, kind, document)

    def _log_in(self, document: Json) -> Reply:
        made = self.logins.log_in(document.get("role_id"), document.get("secret_id"))
        return data(None, self._auth(made)) if made else error(400, "invalid role or secret ID")

    def _auth(self, token: Token) -> Json:
        left = int(token.ends - self.clock()) if token.ends else 0
        return {"client_token": token.id, "lease_duration": left, "renewable": token.renewable}

    def _respond(self, method: str, path: str, token: Token, kind: str, document: Json) -> Reply:
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(path.removeprefix("sys/internal/ui/mounts/").strip("/"), token)
        mount, _, rest = path.partition("/")
        verb, _, below = rest.partition("/")
        engine = self.mounts.get(mount)
        wanted = _CAPABILITIES.get(method)
        if wanted is None:
            made = engine is not None and verb == "data" and not engine.exists(below)
            wanted = "create" if made else "update"
        if not self.logins.may(token, path, wanted):
            return DENIED
        if path.startswith("auth/token/"):
            return self._token(method, path.removeprefix("auth/token/"), token)
        if mount in self.old_mounts:
            return NOTHING
        if engine is None:
            return error(404, f'no handler for route "{path}". route entry not found.')
        return self._engine(engine, method, verb, below, kind, document)

    def _engine(self, engine: Engine, method: str, verb: str, path: str, kind: str, document: Json) -> Reply:
        if method == "PATCH" and kind != _MERGE:
            return error(415, f"PATCH requires Content-Type of {_MERGE}, provided {kind}")
        answers: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "data"): lambda: engine.read(path),
            ("GET", "subkeys"): lambda: engine.subkeys(path),
            ("POST", "data"): lambda: engine.write(path, document),
            ("PUT", "data"): lambda: engine.write(path, document),
            ("PATCH", "data"): lambda: engine.patch(path, document),
            ("DELETE", "data"): lambda: engine.delete(path),
        }
        answer = answers.get((method, verb))
        return answer() if answer else error(405, "1 error occurred:\n\t* unsupported operation\n\n")

    def _token(self, method: str, verb: str, token: Token) -> Reply:
        if (method, verb) == ("GET", "lookup-self"):
            return data(self.logins.looked_up(token))
        if verb == "renew-self":
            if not token.renewable:
                return error(400, "lease is not renewable")
            self.logins.renew(token)
            return data(None, self._auth(token))
        if verb == "revoke-self":
            self.logins.tokens.pop(token.id, None)
            return Reply(204)
        return error(405, "1 error occurred:\n\t* unsupported operation\n\n")

    def _mount(self, mount: str, token: Token) -> Reply:
        known = mount in self.mounts or mount in self.old_mounts
        if not known or not self.logins.sees(token, f"{mount}/"):
            return error(403, f'{_PREFLIGHT} "{mount}/"')
        version = "2" if mount in self.mounts else "1"
        return data({"type": "kv", "path": f"{mount}/", "options": {"version": version}})


@contextmanager
def running(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Vault]:
    """A vault on loopback, unsealed, with an empty KV engine at `secret`."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            try:
                document = json.loads(self.rfile.read(size)) if size else {}
            except ValueError:
                document = {}
            path = unquote(urlsplit(self.path).path).removeprefix("/v1/")
            kind = self.headers.get("Content-Type") or ""
            token = self.headers.get("X-Vault-Token") or ""
            reply = vault.respond(
                self.command, path, token, kind, document if isinstance(document, dict) else {}
            )
            content = b"" if reply.document is None else json.dumps(reply.document).encode()
            self.send_response(reply.status)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **reply.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = handle_any

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    vault = Vault(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
