"""One connection to a store: signed requests, what failed on its way tried again, refusals in words."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from agent.host.s3 import Kind, Place, StoreError
from agent.real import sigv4

_TIMEOUT_S: Final = 60.0
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)
_BODY: Final = 8 << 20
_CHUNK: Final = 1 << 20
_BLOCK: Final = 1 << 18
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9._-]{1,80})</Code>")
_BUSY: Final = (429, 500, 502, 503, 504)
_KINDS: Final[Mapping[str, Kind]] = {
    "NoSuchKey": "missing",
    "NoSuchBucket": "missing",
    "NoSuchUpload": "missing",
    "NoSuchVersion": "missing",
    "XMinioStorageFull": "full",
    "QuotaExceeded": "full",
    "XMinioAdminBucketQuotaExceeded": "full",
    "InsufficientStorage": "full",
}
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """A store's answer that was no refusal: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Link:
    """Requests to one bucket, on one connection at a time. `pause` waits between tries."""

    def __init__(self, place: Place, pause: Callable[[float], object] = time.sleep) -> None:
        self.place, self._pause = place, pause
        parts = urlsplit(place.endpoint)
        self._secure, self._host = parts.scheme == "https", parts.hostname or ""
        try:
            self._port = parts.port or (443 if self._secure else 80)
        except ValueError:
            self._host = ""
        if parts.scheme not in ("http", "https") or not self._host:
            raise StoreError("wrong", "the endpoint of a store is no http or https URL")
        self._open: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def ask(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] = _NOTHING,
        headers: Mapping[str, str] = _NOTHING,
        body: bytes = b"",
        *,
        tries: int = len(_PAUSES_S) + 1,
    ) -> Answer:
        """The answer to a request whose body fits into memory. Raises StoreError."""
        for pause in (*_PAUSES_S[: tries - 1], None):
            try:
                with self._answered(method, key, query, headers, body) as answer:
                    content = answer.read(_BODY)
                    found = {name.lower(): value for name, value in answer.getheaders()}
                    return Answer(answer.status, found, content)
            except StoreError as error:
                if error.kind != "unreachable" or pause is None:
                    raise
                self._pause(pause)
        raise AssertionError("the last try returns or raises")

    def pieces(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Generator[bytes, None, str]:
        """The body of an answer, piece by piece; its ETag in the end. Raises StoreError when it is cut off."""
        with self._answered("GET", key, query, headers, b"") as answer:
            expected = int(answer.headers.get("Content-Length", "0"))
            while expected:
                data = self._read(answer, min(expected, _CHUNK))
                expected -= len(data)
                yield data
            return str(answer.headers.get("ETag", ""))

    def _read(self, answer: http.client.HTTPResponse, most: int) -> bytes:
        try:
            data = answer.read(most)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise StoreError("unreachable", f"{self.place.where} {_said(error)}") from None
        if not data:
            self.close()
            raise StoreError("unreachable", f"{self.place.where} closed the connection in the middle")
        return data

    @contextmanager
    def _answered(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Generator[http.client.HTTPResponse, None, None]:
        """One try. The connection is kept only when the answer was read to its end."""
        answer: http.client.HTTPResponse | None = None
        try:
            answer = self._send(method, key, query, headers, body)
            if answer.status >= 300:
                raise self._refusal(answer)
            yield answer
        except (OSError, http.client.HTTPException) as error:
            raise StoreError("unreachable", f"{self.place.where} {_said(error)}") from None
        finally:
            if answer is None or not answer.isclosed():
                self.close()

    def _send(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> http.client.HTTPResponse:
        place = self.place
        path = sigv4.encoded_path(f"/{place.bucket}/{key}" if key else f"/{place.bucket}")
        told = {**headers, "Host": self._named()}
        if body:
            told["Content-MD5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        signed = sigv4.signed(
            method, path, query, told,
            payload_sha256=hashlib.sha256(body).hexdigest(), region=place.region,
            access_key=place.access_key, secret_key=place.secret_key, now=datetime.now(UTC),
        )  # fmt: skip
        words = sigv4.encoded_query(query)
        link = self._connected()
        if method in ("PUT", "POST"):
            signed["Content-Length"] = str(len(body))
        # Read in blocks, as the time-out is for each: a slow line may take minutes for one part.
        link.request(method, f"{path}?{words}" if words else path, io.BytesIO(body) if body else None, signed)
        return link.getresponse()

    def _named(self) -> str:
        usual = 443 if self._secure else 80
        host = f"[{self._host}]" if ":" in self._host else self._host
        return host if self._port == usual else f"{host}:{self._port}"

    def _connected(self) -> http.client.HTTPConnection:
        if self._open is not None:
            return self._open
        link: http.client.HTTPConnection
        if self._secure:
            link = http.client.HTTPSConnection(
                self._host, self._port, timeout=_TIMEOUT_S, context=_trust(self.place.ca), blocksize=_BLOCK
            )
        else:
            link = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S, blocksize=_BLOCK)
        link.connect()
        if link.sock is not None:
            link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open = link
        return link

    def _refusal(self, answer: http.client.HTTPResponse) -> StoreError:
        """A refusal by the store's own word for it; its message may repeat what was sent."""
        found = _CODE.search(answer.read(_BODY))
        code = found[1].decode() if found else f"status {answer.status}"
        return refusal(self.place, answer.status, code)


def refusal(place: Place, status: int, code: str) -> StoreError:
    """What a store's refusal means."""
    kind: Kind = _KINDS.get(code, "wrong")
    if kind == "wrong" and status in _BUSY:
        kind = "full" if status == 507 else "unreachable"
    elif kind == "wrong" and status == 507:
        kind = "full"
    elif kind == "wrong" and status in (401, 403):
        kind = "refused"
    elif kind == "wrong" and status == 404:
        kind = "missing"
    return StoreError(kind, f"{place.where} refused with {code}", code)


def _trust(ca: str | None) -> ssl.SSLContext:
    """Reading the system's certificates takes longer than most requests: it is done once, and again for another file."""
    return _trusting(ca, Path(ca).stat().st_mtime_ns if ca is not None and Path(ca).is_file() else 0)


@lru_cache(8)
def _trusting(ca: str | None, written: int) -> ssl.SSLContext:
    """`written`: when the file was, 0 when there is none."""
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # browsers and curl don't ask for RFC 5280 to the letter
    if ca is not None and written:
        context.load_verify_locations(ca)
    return context


def _said(error: BaseException) -> str:
    """The cause in a few words, of the system or the TLS library only."""
    if isinstance(error, TimeoutError):
        return "gave no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "verify_message", "") or error.reason or "unknown reason"
        return f"fails at the TLS handshake: {why}"
    if isinstance(error, ConnectionError | http.client.RemoteDisconnected):
        return "closed the connection without an answer"
    if isinstance(error, socket.gaierror):
        return "has a name that can't be looked up"
    if isinstance(error, OSError):
        return f"can't be reached: {error.strerror or type(error).__name__}"
    return f"gave an answer that can't be read ({type(error).__name__})"
