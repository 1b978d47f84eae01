"""HTTP: probes (GET) and messages (POST), each on a fresh connection, no redirect followed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from agent.host import paths
from agent.host.ports import NoReply, Reply, Tls, Validity

_BODY = 64 * 1024
_DAY_S = 86_400
# Alerts that a server sends when it has no certificate for the name: internal_error, unrecognized_name.
_NO_CERTIFICATE = ("TLSV1_ALERT_INTERNAL_ERROR", "UNRECOGNIZED_NAME", "ALERT_INTERNAL_ERROR")


class RealHttp:
    """The network. `ca_file` is the platform's CA, which messages trust beside the system's."""

    def __init__(self, ca_file: str = paths.CA_FILE) -> None:
        self._ca_file = ca_file

    def get(
        self,
        address: str,
        path: str,
        *,
        host: str,
        timeout_ms: int,
        tls: Tls | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        sent = {"Host": host, "User-Agent": "codeb-agent", **headers}
        connection = _connect(address, timeout_ms / 1000, tls)
        return _within(connection, timeout_ms, lambda: connection.request("GET", path, headers=sent), _BODY)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> Reply:
        address, path, tls = self._parts(url)
        sent = {"Host": urlsplit(url).netloc, "User-Agent": "codeb-agent", **headers}
        connection = _connect(address, timeout_ms / 1000, tls)
        return _within(connection, timeout_ms, lambda: connection.request("POST", path, body, sent), _BODY)

    def call(
        self,
        method: str,
        address: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_ms: int,
        longest: int,
    ) -> Reply:
        sent = {"Host": address, "User-Agent": "codeb-agent", **headers}
        connection = _connect(address, timeout_ms / 1000, None)
        reply = _within(
            connection, timeout_ms, lambda: connection.request(method, path, body, sent), longest + 1
        )
        if len(reply.body) > longest:
            raise NoReply(f"answers with more than {longest >> 20} MiB")
        return reply

    def _parts(self, url: str) -> tuple[str, str, Tls | None]:
        """Address, path with query, TLS. Raises NoReply for what is no http or https URL."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NoReply("can't be reached: its URL is wrong") from None
        if parts.scheme not in ("http", "https") or not host:
            raise NoReply("can't be reached: its URL is wrong")
        secure = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return f"{host}:{port or (443 if secure else 80)}", path, Tls(host, self._ca_file) if secure else None

    def accepts(self, address: str, timeout_ms: int) -> bool:
        try:
            _socket(address, timeout_ms / 1000).close()
        except OSError:
            return False
        return True

    def certificate(self, address: str, tls: Tls, timeout_ms: int) -> Validity:
        connection = _connect(address, timeout_ms / 1000, tls)
        try:
            secured = connection.sock
            found = secured.getpeercert() if isinstance(secured, ssl.SSLSocket) else None
        finally:
            connection.close()
        if not found:
            raise NoReply("no certificate was shown")
        begins, ends = (ssl.cert_time_to_seconds(str(found[key])) for key in ("notBefore", "notAfter"))
        return Validity((ends - time.time()) / _DAY_S, (ends - begins) / _DAY_S)


def _connect(address: str, timeout_s: float, tls: Tls | None) -> http.client.HTTPConnection:
    """A connection with its handshake done. Raises NoReply."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        plain = _socket(address, timeout_s)
        connection.sock = plain if tls is None else _secured(plain, tls)
    except ssl.SSLError as error:
        missing = any(word in (error.reason or "") for word in _NO_CERTIFICATE)
        why = getattr(error, "verify_message", "") or error.reason or str(error)
        raise NoReply(f"fails at the TLS handshake: {why}", no_certificate=missing) from error
    except OSError as error:
        raise NoReply(_said(error)) from error
    return connection


def _within(
    connection: http.client.HTTPConnection, timeout_ms: int, send: Callable[[], None], longest: int
) -> Reply:
    """The answer to what is sent, all of it within the time, then the connection is closed. Raises NoReply."""
    start = time.monotonic()
    late = threading.Event()
    clock = threading.Timer(timeout_ms / 1000, _end, (connection.sock, late))
    clock.daemon = True
    clock.start()
    try:
        send()
        answer = connection.getresponse()
        content = answer.read(longest)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # what the library says may repeat the path, which is a secret
        raise NoReply(_said(TimeoutError() if late.is_set() else _unnamed(error))) from None
    finally:
        clock.cancel()
        connection.close()
    if late.is_set():
        raise NoReply(_said(TimeoutError()))
    elapsed = (time.monotonic() - start) * 1000
    return Reply(
        answer.status, content, elapsed, {name.lower(): value for name, value in answer.getheaders()}
    )


def _end(link: socket.socket, late: threading.Event) -> None:
    """A timeout of the socket counts from the last byte; this one counts from the start."""
    late.set()
    with contextlib.suppress(OSError):  # it ended in this very moment
        link.shutdown(socket.SHUT_RDWR)


def _unnamed(error: Exception) -> Exception:
    """The error without its text, unless the system or the TLS library wrote it."""
    if isinstance(error, OSError):
        return error
    return ValueError(f"{type(error).__name__}")


def _socket(address: str, timeout_s: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout_s)


def _secured(plain: socket.socket, tls: Tls) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # browsers and curl don't ask for RFC 5280 to the letter
    for file in (tls.ca_file, paths.ACME_CA):
        if Path(file).is_file():
            context.load_verify_locations(file)
    try:
        return context.wrap_socket(plain, server_hostname=tls.server_name)
    except OSError:
        plain.close()
        raise


def _said(error: BaseException) -> str:
    """The cause in a few words."""
    if isinstance(error, TimeoutError):
        return "gave no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, ConnectionResetError | http.client.RemoteDisconnected):
        return "closed the connection without an answer"
    return f"failed: {error}"
