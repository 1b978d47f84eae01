"""Stores in memory: buckets with versions, and what they refuse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from agent.host.pipes import Session
from agent.host.s3 import Features, Object, Place, Sent, StoreError


class Clock(Protocol):
    """Seconds since 1970."""

    time: float


@dataclass
class FakeS3:
    """`versions_of` has, by bucket, every version with its content, the newest last. `refuses` says by bucket what every
    request there is answered with; `deleted` counts. `put_only` are buckets that let nobody read, `features_of` what others
    than usual ones have, `locked` for how many days what was written there last was locked. `admitted`
    let browsers in, `without_cors` can't. `barred` are access keys that there are none of."""

    clock: Clock
    versions_of: dict[str, list[tuple[Object, bytes]]] = field(default_factory=dict)
    refuses: dict[str, StoreError] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    put_only: set[str] = field(default_factory=set)
    features_of: dict[str, Features] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    admitted: set[str] = field(default_factory=set)
    without_cors: set[str] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)

    def put(self, place: Place, key: str, body: bytes) -> None:
        kept = self._bucket(place)
        self.locked[place.bucket] = place.lock_days
        at = datetime.fromtimestamp(self.clock.time, UTC)
        made = Object(
            key, len(body), at, hashlib.md5(body, usedforsecurity=False).hexdigest(), f"v{len(kept)}"
        )
        kept.append((made, body))

    def upload(
        self,
        place: Place,
        key: str,
        pieces: Iterable[bytes],
        expected: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        self._bucket(place)
        body = b"".join(pieces)
        self.put(place, key, body)
        kept = self.versions_of[place.bucket]
        kept[-1] = (replace(kept[-1][0], headers=dict(headers or {})), kept[-1][1])
        return Sent(len(body), hashlib.sha256(body).hexdigest())

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        if place.bucket in self.put_only:
            raise StoreError("refused", f"{place.where} refused with AccessDenied", "AccessDenied")
        for found, body in reversed(self._bucket(place)):
            if found.key == key and version in ("", found.version):
                if found.marker:
                    break
                yield body[: len(body) // 2]
                yield body[len(body) // 2 :]
                return
        raise StoreError("missing", f"{place.where} refused with NoSuchKey", "NoSuchKey")

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        kept = [found for found, _ in reversed(self._bucket(place)) if found.key == key]
        if version:
            kept = [found for found in kept if found.version == version]
        return None if not kept or kept[0].marker else kept[0]

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        newest = {found.key: found for found, _ in self._bucket(place)}
        for key in sorted(newest):
            if key.startswith(prefix) and not newest[key].marker:
                yield newest[key]

    def versions(self, place: Place, prefix: str) -> Iterator[Object]:
        kept = self._bucket(place)
        for key in sorted({found.key for found, _ in kept if found.key.startswith(prefix)}):
            mine = [found for found, _ in reversed(kept) if found.key == key]
            yield from (replace(found, latest=not number) for number, found in enumerate(mine))

    def delete(self, place: Place, key: str, version: str = "") -> None:
        kept = self._bucket(place)
        self.deleted.append(key)
        if version:
            kept[:] = [(found, body) for found, body in kept if (found.key, found.version) != (key, version)]
        elif any(found.key == key for found, _ in kept):
            at = datetime.fromtimestamp(self.clock.time, UTC)
            kept.append((Object(key, 0, at, version=f"v{len(kept)}", marker=True), b""))

    def admit_browsers(self, place: Place) -> None:
        self._bucket(place)
        if place.bucket in self.without_cors:
            raise StoreError("wrong", f"{place.where} refused with NotImplemented", "NotImplemented")
        self.admitted.add(place.bucket)

    def features(self, place: Place) -> Features:
        self._bucket(place)
        return self.features_of.get(place.bucket, Features(versions=True, locks=True, deletes=False))

    def content(self, bucket: str, key: str) -> bytes:
        """An object's newest version."""
        return next(body for found, body in reversed(self.versions_of[bucket]) if found.key == key)

    def _bucket(self, place: Place) -> list[tuple[Object, bytes]]:
        if place.access_key in self.barred:
            raise StoreError(
                "refused", f"{place.where} refused with InvalidAccessKeyId", "InvalidAccessKeyId"
            )
        if place.bucket in self.refuses:
            raise self.refuses[place.bucket]
        return self.versions_of.setdefault(place.bucket, [])


class NoPipes:
    """A host on which nothing hands bytes on."""

    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        raise AssertionError(f"nobody expected {stages}")
        yield b""

    def session(self, argv: Sequence[str]) -> AbstractContextManager[Session]:
        raise AssertionError(f"nobody expected {argv}")
