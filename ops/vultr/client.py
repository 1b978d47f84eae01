"""A small client of Vultr's API v2 (vultr.com/api): what listing, looking and removing take, and no more.

Reads are tried again, and so are deletions, which are safe to repeat; nothing that makes something is ever sent twice.
The key is in a header and nowhere else.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from codeb.fleet.values import mapping, mappings, shown, text

API: Final = "https://api.vultr.com/v2"
API_VARIABLE: Final = "CODEB_VULTR_API"

_WAITS: Final = (0.5, 1.0, 2.0)
"""Seconds between attempts; Retry-After says otherwise."""
_LONGEST_WAIT: Final = 60.0
_SECONDS: Final = 20.0
_PAGE: Final = 500
_PAGES: Final = 200
_LARGEST: Final = 16 << 20
_KEY: Final = re.compile(r"[!-~]{8,256}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class VultrError(Exception):
    """The API did not do it; the message says why and what to do. The key is never in it."""


class NotThere(VultrError):
    """The API says that there is no such thing."""


class Refused(VultrError):
    """The API understood and said no, in words that are in the message."""


class WrongKey(VultrError):
    """The key is not accepted: nothing else will work either."""


class Unreachable(VultrError):
    """No answer at all, after all attempts."""


class Troubled(VultrError):
    """Too many calls, or trouble of the API's own, in all attempts; `wait` are the seconds that it asks for, if it does."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would carry the key to somebody else."""

    def redirect_request(self, *arguments: object) -> None:
        return None


class Client:
    """Calls of one account.

    Args:
        key: the account's API key.
        base: the API's address; by default CODEB_VULTR_API's, else Vultr's.
        sleep: what waits between attempts.

    Raises:
        VultrError: key or address are none.
    """

    def __init__(
        self,
        key: str,
        base: str | None = None,
        *,
        seconds: float = _SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _KEY.fullmatch(key):
            raise WrongKey(
                "the Vultr API key is none: it has 8 to 256 letters, digits and signs, without blanks"
            )
        self._key, self._sleep, self._seconds = key, sleep, seconds
        self._base = _checked(base or os.environ.get(API_VARIABLE) or API)
        context = ssl.create_default_context()  # reads SSL_CERT_FILE
        self._opener = urllib.request.build_opener(
            _NoRedirect(), urllib.request.HTTPSHandler(context=context)
        )

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def get(self, path: str) -> Mapping[str, Any]:
        """The answer's document. Raises VultrError."""
        return self._repeated("GET", path)

    def pages(self, path: str, items: str) -> list[Mapping[str, Any]]:
        """All of a list, page by page. Raises VultrError: nothing is returned when any page is missing."""
        found: list[Mapping[str, Any]] = []
        cursor, seen = "", set[str]()
        for _ in range(_PAGES):
            query = {"per_page": _PAGE, **({"cursor": cursor} if cursor else {})}
            document = self.get(f"{path}?{urlencode(query)}")
            if not isinstance(document.get(items), list):
                raise Troubled(f"Vultr answered GET {path} without {items}")
            found += mappings(document[items])
            cursor = text(mapping(mapping(document.get("meta")).get("links")), "next")
            if not cursor:
                return found
            if cursor in seen:
                break
            seen.add(cursor)
        raise Troubled(f"Vultr's list {path} does not end")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """A change, sent once. Raises VultrError."""
        self._once(method, path, body)

    def delete(self, path: str) -> bool:
        """Remove it, tried again when no answer came; False when there was nothing (any more). Raises VultrError."""
        try:
            self._repeated("DELETE", path)
        except NotThere:
            return False
        return True

    def _repeated(self, method: str, path: str) -> Mapping[str, Any]:
        for wait in _WAITS:
            try:
                return self._once(method, path)
            except Troubled as error:
                if (error.wait or 0) > _LONGEST_WAIT:
                    raise
                wait = error.wait or wait
            except Unreachable:
                pass
            self._sleep(wait)
        return self._once(method, path)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._key}",
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "codeb-fleet",
            },
        )
        where = f"{method} {urlsplit(path).path}"
        try:
            with self._opener.open(request, timeout=self._seconds) as answer:
                return _document(answer.read(_LARGEST), where)
        except urllib.error.HTTPError as error:
            with error:
                raise self._said(error, where) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_no_answer(error, self._base, where, self._seconds)) from None

    def _said(self, error: urllib.error.HTTPError, where: str) -> VultrError:
        """What a status that is no success means."""
        try:
            said = _document(error.read(_LARGEST), where).get("error")
        except (VultrError, OSError, http.client.HTTPException):
            said = None
        words = shown(said).replace(self._key, "[redacted]") if isinstance(said, str) and said else "no words"
        if error.code in (401, 403):
            return WrongKey(
                f"Vultr does not take the key ({error.code}: {words}): set it with `pulumi config set --secret "
                "codeb:vultrApiKey`, or VULTR_API_KEY. Vultr's account page, API, must also allow this machine's address"
            )
        if error.code == 404:
            return NotThere(f"{where}: {words}")
        if error.code == 429:
            return _troubled(
                f"{where}: Vultr takes no more calls for now (429: {words}): wait a minute", error
            )
        if error.code >= 500:
            return _troubled(
                f"{where}: Vultr has trouble of its own ({error.code}: {words}): try again later", error
            )
        return Refused(f"{where}: Vultr says no ({error.code}: {words})")


def _troubled(message: str, error: urllib.error.HTTPError) -> Troubled:
    after = str(error.headers.get("Retry-After", "")).strip()
    return Troubled(message, float(after) if re.fullmatch("[0-9]{1,9}", after) else None)


def _checked(base: str) -> str:
    """The key goes there: only encrypted, or to this machine."""
    try:
        parts = urlsplit(base)
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        right = (
            bool(parts.hostname)
            and (parts.scheme == "https" or plain)
            and not (parts.query or parts.username)
        )
    except ValueError:
        right = False
    if not right or not re.fullmatch("[!-~]+", base):
        raise VultrError(f"{API_VARIABLE} is {shown(base)!r}: write the API's address, as in {API}")
    return base.rstrip("/")


def _document(raw: bytes, where: str) -> Mapping[str, Any]:
    if not raw.strip():
        return {}
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Troubled(f"{where}: Vultr answered unreadably")
    return found


def _no_answer(error: Exception, base: str, where: str, seconds: float) -> str:
    host = urlsplit(base).hostname
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"{host} shows a certificate that nobody trusts: name its CA's file in SSL_CERT_FILE, or check who answers"
    if isinstance(reason, TimeoutError):
        return f"{where}: no answer from {host} within {seconds:g} s: try again later"
    why = getattr(reason, "strerror", None) or type(reason).__name__
    return f"{where}: {host} can't be reached ({shown(why)}): check this machine's network"
