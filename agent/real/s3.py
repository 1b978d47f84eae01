"""Stores that speak S3, by the standard library alone: large objects in parts, reads that go on where they broke off."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from agent.host.s3 import Features, Object, Place, Sent, StoreError
from agent.real import s3_features
from agent.real.s3_link import Link, refusal

if TYPE_CHECKING:
    from xml.etree import ElementTree

_PART: Final = 16 << 20
_MOST_PARTS: Final = 10_000
_PARTS_FOR_A_GUESS: Final = 9_000
"""Parts of an object of the expected size, which may be a little larger."""
_READS: Final = 5
_ANY_ORIGIN: Final = (
    b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
    b"<AllowedMethod>HEAD</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod>"
    b"<AllowedMethod>DELETE</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
    b"<MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule></CORSConfiguration>"
)
_TOLD: Final = frozenset(
    {
        *("cache-control", "content-disposition", "content-encoding", "content-language", "content-type"),
        "expires",
    }
)
"""Headers that belong to an object."""


class RealS3:
    """`pause` waits between tries."""

    def __init__(self, pause: Callable[[float], object] = time.sleep) -> None:
        self._pause = pause

    def put(self, place: Place, key: str, body: bytes) -> None:
        with self._link(place) as link:
            link.ask("PUT", key, headers=_lock(place), body=body)

    def upload(
        self,
        place: Place,
        key: str,
        pieces: Iterable[bytes],
        expected: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        size = max(_PART, -(-expected // _PARTS_FOR_A_GUESS))
        digest, total = hashlib.sha256(), 0
        with self._link(place) as link:
            upload = _Upload(link, key, {**(headers or {}), **_lock(place)})
            try:
                for part in _parts(pieces, size):
                    digest.update(part)
                    total += len(part)
                    upload.add(part, last=len(part) < size)
                upload.end(total)
            except BaseException:
                upload.abort()
                raise
        return Sent(total, digest.hexdigest())

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        query = {"versionId": version} if version else {}
        with self._link(place) as link:
            found = _object(key, link.ask("HEAD", key, query).headers)
            taken, broken = 0, 0
            while taken < found.size:
                headers = {"If-Match": f'"{found.etag}"', **({"Range": f"bytes={taken}-"} if taken else {})}
                try:
                    for piece in link.pieces(key, query, headers):
                        taken += len(piece)
                        yield piece
                except StoreError as error:
                    broken += 1
                    if error.kind != "unreachable" or broken >= _READS:
                        raise
                    self._pause(broken)

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        query = {"versionId": version} if version else {}
        with self._link(place) as link:
            try:
                return _object(key, link.ask("HEAD", key, query).headers)
            except StoreError as error:
                if error.kind != "missing":
                    raise
                return None

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        with self._link(place) as link:
            while True:
                page = _xml(link.ask("GET", query=query).body, place)
                for item in page.iter("Contents"):
                    yield _listed(item)
                if page.findtext("IsTruncated") != "true":
                    return
                query["continuation-token"] = page.findtext("NextContinuationToken") or ""

    def versions(self, place: Place, prefix: str) -> Iterator[Object]:
        query = {"versions": "", "prefix": prefix, "encoding-type": "url"}
        with self._link(place) as link:
            while True:
                page = _xml(link.ask("GET", query=query).body, place)
                for item in page:
                    if item.tag in ("Version", "DeleteMarker"):
                        yield _listed(item)
                if page.findtext("IsTruncated") != "true":
                    return
                query["key-marker"] = unquote_plus(page.findtext("NextKeyMarker") or "")
                query["version-id-marker"] = page.findtext("NextVersionIdMarker") or ""

    def delete(self, place: Place, key: str, version: str = "") -> None:
        with self._link(place) as link, _gone_is_fine():
            link.ask("DELETE", key, {"versionId": version} if version else {})

    def admit_browsers(self, place: Place) -> None:
        with self._link(place) as link:
            link.ask("PUT", query={"cors": ""}, body=_ANY_ORIGIN)

    def features(self, place: Place) -> Features:
        with self._link(place) as link:
            return s3_features.features(link)

    @contextmanager
    def _link(self, place: Place) -> Iterator[Link]:
        link = Link(place, self._pause)
        try:
            yield link
        finally:
            link.close()


class _Upload:
    """An object on its way: at once when it is one part, else in parts that are put together at the end."""

    def __init__(self, link: Link, key: str, headers: Mapping[str, str]) -> None:
        self._link, self._key, self._headers = link, key, headers
        self._id = ""
        self._tags: list[str] = []
        self._whole: bytes | None = None

    def add(self, part: bytes, *, last: bool) -> None:
        if last and not self._id:
            self._whole = part
            return
        if last and not part:
            return
        if not self._id:
            answer = self._link.ask("POST", self._key, {"uploads": ""}, self._headers)
            self._id = _xml(answer.body, self._link.place).findtext("UploadId") or ""
        if len(self._tags) == _MOST_PARTS:
            raise StoreError(
                "wrong", f"an object for {self._link.place.where} has more than {_MOST_PARTS} parts"
            )
        query = {"partNumber": str(len(self._tags) + 1), "uploadId": self._id}
        self._tags.append(self._link.ask("PUT", self._key, query, body=part).headers.get("etag", ""))

    def end(self, total: int) -> None:
        if not self._id:
            self._link.ask("PUT", self._key, headers=self._headers, body=self._whole or b"")
            return
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
            for number, tag in enumerate(self._tags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        try:
            answer = self._link.ask("POST", self._key, {"uploadId": self._id}, body=body)
            told = _xml(answer.body, self._link.place)
            if told.tag == "Error":  # a store may find out only after it has said 200
                raise refusal(self._link.place, 500, told.findtext("Code") or "an error")
        except StoreError as error:
            if error.code != "NoSuchUpload" or not self._is_there(total):
                raise  # else an earlier try put it together, and its answer was lost
        self._id = ""

    def abort(self) -> None:
        if self._id:
            with suppress(StoreError):
                self._link.ask("DELETE", self._key, {"uploadId": self._id}, tries=1)

    def _is_there(self, total: int) -> bool:
        """Asked of the list, as not all keys may read objects."""
        answer = self._link.ask("GET", query={"list-type": "2", "prefix": self._key, "encoding-type": "url"})
        found = map(_listed, _xml(answer.body, self._link.place).iter("Contents"))
        return any(item.key == self._key and item.size == total for item in found)


def _lock(place: Place) -> dict[str, str]:
    """Headers that lock an object as it is written."""
    if not place.lock_days:
        return {}
    until = datetime.now(UTC) + timedelta(days=place.lock_days)
    return {
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": f"{until:%Y-%m-%dT%H:%M:%SZ}",
    }


def _parts(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in parts of this size, the last one smaller (it may be empty)."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """What was to go is gone."""
    try:
        yield
    except StoreError as error:
        if error.kind != "missing" or error.code == "NoSuchBucket":
            raise


def _xml(body: bytes, place: Place) -> ElementTree.Element:
    """The document without namespaces. Raises StoreError."""
    # Here, as every verb loads this module, and a rollback has to start fast.
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - at most 8 MiB, and expat limits how entities grow
    except ElementTree.ParseError:
        raise StoreError("wrong", f"{place.where} gave an answer that is no XML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _object(key: str, headers: Mapping[str, str]) -> Object:
    """What HEAD says."""
    from email.utils import parsedate_to_datetime

    return Object(
        key=key,
        size=int(headers.get("content-length", "0")),
        at=parsedate_to_datetime(headers["last-modified"]).astimezone(UTC),
        etag=headers.get("etag", "").strip('"'),
        version=headers.get("x-amz-version-id", ""),
        headers={
            name: value for name, value in headers.items() if name in _TOLD or name.startswith("x-amz-meta-")
        },
    )


def _listed(item: ElementTree.Element) -> Object:
    text = {child.tag: child.text or "" for child in item}
    return Object(
        key=unquote_plus(text.get("Key", "")),
        size=int(text.get("Size", "0")),
        at=datetime.fromisoformat(text["LastModified"].replace("Z", "+00:00")),
        etag=text.get("ETag", "").strip('"'),
        version=text.get("VersionId", ""),
        latest=text.get("IsLatest", "true") == "true",
        marker=item.tag == "DeleteMarker",
    )
