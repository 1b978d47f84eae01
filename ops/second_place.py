"""The second place of backups, read from this machine: when no server is left, there is nothing else that could.

Of each name the oldest version counts, as for the agent (`agent.store.oldest`): whoever has stolen a server can put others
above it. Signatures are AWS's version 4 (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_plus, urlsplit
from xml.etree import ElementTree

_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_TIMEOUT_S: Final = 60
_PAUSES_S: Final = (1.0, 3.0, None)
_BUSY: Final = (429, 500, 502, 503, 504)
_LONGEST_LIST: Final = 8 << 20
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9._-]{1,80})</Code>")


class PlaceError(Exception):
    """It did not answer, or refused; the message names bucket, host and its own word, and no key."""


@dataclass(frozen=True)
class ReadingKeys:
    """An account that may list versions and read them."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Place:
    """`endpoint` is `https://host[:port]`; `ca` certificates (PEM) beside the system's."""

    endpoint: str
    region: str
    bucket: str
    keys: ReadingKeys
    ca: str | None = None

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.bucket} at {self.endpoint}"


def first_written(place: Place, prefix: str) -> dict[str, str]:
    """Names that begin so, and of each the version that was written first. Raises PlaceError."""
    oldest: dict[str, tuple[str, str]] = {}
    query = {"versions": "", "prefix": prefix, "encoding-type": "url"}
    while True:
        page = _page(place, query)
        for item in page:
            if item.tag != "Version":
                continue
            text = {child.tag: child.text or "" for child in item}
            found = (text.get("LastModified", ""), text.get("VersionId", ""))
            key = unquote_plus(text.get("Key", ""))
            # the newest comes first: of two of one moment the later one in the list is the older
            if key not in oldest or found[0] <= oldest[key][0]:
                oldest[key] = found
        if page.findtext("IsTruncated") != "true":
            return {key: version for key, (_, version) in oldest.items()}
        query["key-marker"] = unquote_plus(page.findtext("NextKeyMarker") or "")
        query["version-id-marker"] = page.findtext("NextVersionIdMarker") or ""


def content(place: Place, key: str, version: str, longest: int) -> bytes:
    """A version's bytes. Raises PlaceError, also when there are more than `longest`."""
    return _answer(place, key, {"versionId": version} if version else {}, longest)


def _page(place: Place, query: Mapping[str, str]) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(_answer(place, "", query, _LONGEST_LIST))  # noqa: S314 - expat limits entities
    except ElementTree.ParseError:
        raise PlaceError(f"{place.where} gave an answer that is no XML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _answer(place: Place, key: str, query: Mapping[str, str], longest: int) -> bytes:
    """What failed on its way or was busy is tried again."""
    problem = "did not answer"
    for pause in _PAUSES_S:
        try:
            with _asked(place, key, query) as answer:
                body = answer.read(longest + 1)
                if answer.status == http.client.OK and len(body) <= longest:
                    return body
                code = _CODE.search(body)
                problem = f"refused with {code[1].decode() if code else answer.status}"
                if len(body) > longest:
                    problem = f"has more than {longest} bytes in {key or 'a list'}"
                if answer.status not in _BUSY:
                    break
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"can't be reached: {getattr(error, 'strerror', None) or type(error).__name__}"
        if pause is not None:
            time.sleep(pause)
    raise PlaceError(f"{place.where} {problem}")


@contextmanager
def _asked(place: Place, key: str, query: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(place.endpoint)
    path = quote(f"/{place.bucket}/{key}" if key else f"/{place.bucket}", safe="/-._~")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        if place.ca:
            context.load_verify_locations(cadata=place.ca)
        link: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S, context=context
        )
    else:
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        given = _encoded(query)
        headers = _signed(place, path, given, parts.netloc, datetime.now(UTC))
        link.request("GET", f"{path}?{given}" if given else path, headers=headers)
        yield link.getresponse()
    finally:
        link.close()


def _encoded(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(key, safe="-._~"), quote(value, safe="-._~")) for key, value in query.items())
    return "&".join(f"{key}={value}" for key, value in pairs)


def _signed(place: Place, path: str, query: str, host: str, now: datetime) -> dict[str, str]:
    stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(("GET", path, query, lines, names, _EMPTY))
    scope = f"{day}/{place.region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{place.keys.secret_key}".encode()
    for part in (day, place.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={place.keys.access_key}/{scope}"
    return {
        **headers,
        "Authorization": f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature}",
    }
