"""HTTP probes: one GET on a fresh connection, no redirect followed."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

from agent.ports import NoReply, Reply, Tls

_BODY = 64 * 1024
# Alerts that a server sends when it has no certificate for the name: internal_error, unrecognized_name.
_NO_CERTIFICATE = ("TLSV1_ALERT_INTERNAL_ERROR", "UNRECOGNIZED_NAME", "ALERT_INTERNAL_ERROR")


class RealHttp:
    """The network."""

    def get(self, address: str, path: str, *, host: str, timeout_ms: int, tls: Tls | None = None) -> Reply:
        start = time.monotonic()
        connection = _connect(address, timeout_ms / 1000, tls)
        try:
            connection.request("GET", path, headers={"Host": host, "User-Agent": "codeb-agent"})
            answer = connection.getresponse()
            body = answer.read(_BODY)
        except (OSError, http.client.HTTPException) as error:
            raise NoReply(_said(error)) from error
        finally:
            connection.close()
        elapsed = (time.monotonic() - start) * 1000
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, body, elapsed, headers)

    def accepts(self, address: str, timeout_ms: int) -> bool:
        try:
            _socket(address, timeout_ms / 1000).close()
        except OSError:
            return False
        return True

    def certificate_days(self, address: str, tls: Tls, timeout_ms: int) -> float:
        connection = _connect(address, timeout_ms / 1000, tls)
        try:
            secured = connection.sock
            found = secured.getpeercert() if isinstance(secured, ssl.SSLSocket) else None
        finally:
            connection.close()
        if not found:
            raise NoReply("no certificate was shown")
        ends = datetime.strptime(str(found["notAfter"]), "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
        return (ends - datetime.now(UTC)).total_seconds() / 86400


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


def _socket(address: str, timeout_s: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout_s)


def _secured(plain: socket.socket, tls: Tls) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # browsers and curl don't ask for RFC 5280 to the letter
    if Path(tls.ca_file).is_file():
        context.load_verify_locations(tls.ca_file)
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
