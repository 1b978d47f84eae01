"""The API v2 as the real plugin speaks to it (client library govultr 3.22 on go-retryablehttp): calls, retries, answers.

Every call is retried, a POST and a DELETE too, and carries nothing that would tell a server that it has seen it before.
What a refusal says is the answer's body as it is: the resources look for words in it.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from lab.providers.protocol import UNKNOWN, Properties, ProviderError

BASE: Final = "https://api.vultr.com/v2"
ADDRESS, KEY, PACE = "CODEB_VULTR_API", "VULTR_API_KEY", "CODEB_VULTR_PACE"
"""Variables: the API's address up to `/v2`, the key, and what all waits are multiplied by."""

USER_AGENT: Final = "Terraform/v2.36.1"
RATE_LIMIT_MS: Final = 500
RETRIES: Final = 3
_DONE: Final = range(200, 205)
_OVERLOADED: Final = (429, 503)
_NOT_IMPLEMENTED: Final = 501


class ApiError(ProviderError):
    """A call that was refused, or given up. The text is the answer's body, or says what went wrong."""


class Api:
    """One account's API. Methods may be called in many threads at once, each call has a connection of its own."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._key, self._base = "", urlsplit(BASE)
        self._retry_waits = (0.0, 0.0)
        self._retries = RETRIES
        self._pace = 1.0
        self._trust: ssl.SSLContext | None = None

    def configure(self, inputs: Properties) -> None:
        """Take key, limits, address and trusted authorities; a wrong key shows at the first call only."""
        given = {key: value for key, value in inputs.items() if value not in (None, "", UNKNOWN)}
        self._key = str(given.get("apiKey") or os.environ.get(KEY, ""))
        most = int(given.get("rateLimit") or RATE_LIMIT_MS) / 1000
        self._retry_waits = (most / 3 * 2, most)
        self._retries = int(given.get("retryLimit") or RETRIES)
        self._base = urlsplit((os.environ.get(ADDRESS) or BASE).rstrip("/"))
        self._pace = float(os.environ.get(PACE) or 1)
        self._trust = ssl.create_default_context() if self._base.scheme == "https" else None

    def cancel(self) -> None:
        """End all waiting: calls under way raise ApiError."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait so long, times the pace.

        Raises:
            ApiError: the run was cancelled.
        """
        if self._cancelled.wait(seconds * self._pace):
            raise ApiError("context canceled")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What a GET answers, decoded; None where it has no such thing as JSON null."""
        return self.ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A call whose answer is read: an empty one is an error."""
        text = self.tell(method, path, body)
        try:
            return json.loads(text)
        except ValueError:
            reason = "invalid character" if text else "unexpected end of JSON input"
            raise ApiError(reason) from None

    def tell(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        """A call that is only to succeed; its answer's text.

        Raises:
            ApiError: it was refused, or failed as often as it may be tried.
        """
        attempts = self._retries + 1
        for attempt in range(1, attempts + 1):
            try:
                status, after, text = self._send(method, path, body)
            except ValueError:  # its text has the key
                reason = 'net/http: invalid header field value for "Authorization"'
                raise _given_up(attempt, f" : {self._failed(method, path, reason)}") from None
            except ssl.SSLCertVerificationError as error:
                raise _given_up(attempt, f" : {self._failed(method, path, error)}") from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == attempts:
                    raise _given_up(attempt, f" : {self._failed(method, path, error)}") from None
                self.wait(self._retry_wait(attempt))
                continue
            if not _is_trouble(status):
                break
            if attempt == attempts:
                raise _given_up(attempt, f": {json.dumps(text.strip(), ensure_ascii=False)}")
            self.wait(after if after is not None else self._retry_wait(attempt))
        if status not in _DONE:
            raise ApiError(text)
        return text

    def _retry_wait(self, attempt: int) -> float:
        least, most = self._retry_waits
        return float(min(least * 2 ** (attempt - 1), most))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, float | None, str]:
        """Status, the seconds that the server asks to wait, and the text of one answer."""
        connection = self._connection()
        try:
            sent = json.dumps(body).encode() if body is not None else None
            connection.request(method, self._base.path + path, sent, self._headers())
            response = connection.getresponse()
            try:
                data = response.read()
            except http.client.IncompleteRead:
                raise ApiError("unexpected EOF") from None
            return response.status, _asked_to_wait(response), _text(response, data)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        """A connection without a time limit, as the plugin's have none; `SSL_CERT_FILE` is honoured."""
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "https":
            return http.client.HTTPSConnection(host, port, context=self._trust)
        return http.client.HTTPConnection(host, port)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._key}",
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
        }

    def _failed(self, method: str, path: str, error: Exception | str) -> str:
        reason = "EOF" if isinstance(error, http.client.RemoteDisconnected) else str(error)
        return f'{method.capitalize()} "{self._base.geturl()}{path}": {reason}'


def _is_trouble(status: int) -> bool:
    return status in _OVERLOADED or (
        status >= http.HTTPStatus.INTERNAL_SERVER_ERROR and status != _NOT_IMPLEMENTED
    )


def _text(response: http.client.HTTPResponse, data: bytes) -> str:
    packed = response.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(data) if packed else data).decode(errors="replace")


def _asked_to_wait(response: http.client.HTTPResponse) -> float | None:
    if response.status in _OVERLOADED:
        with suppress(ValueError):
            return float(int(response.headers.get("Retry-After", "")))
    return None


def _given_up(attempts: int, reason: str) -> ApiError:
    return ApiError(f"gave up after {attempts} attempts, last error{reason}")
