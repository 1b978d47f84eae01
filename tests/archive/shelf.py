"""A store in memory, which can be out of reach, full or wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.host.s3 import Features, Object, Place, Sent, StoreError


@dataclass
class Shelf:
    """Objects by bucket and name. `away` are buckets that nobody reaches, `unread` take and list, and give nothing; `log` is
    every name that was written or deleted."""

    objects_: dict[tuple[str, str], tuple[bytes, datetime]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def put(self, place: Place, key: str, body: bytes) -> None:
        self._reached(place)
        self.objects_[place.bucket, key] = (body, datetime.now(UTC))
        self.log.append(f"{place.bucket}: {key}")

    def upload(
        self,
        place: Place,
        key: str,
        pieces: Iterable[bytes],
        expected: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        self._reached(place)
        body = b"".join(pieces)
        self.put(place, key, body)
        return Sent(len(body), hashlib.sha256(body).hexdigest())

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        self._reached(place)
        if place.bucket in self.unread:
            raise StoreError("refused", f"{place.where} lets these keys read nothing")
        if (place.bucket, key) not in self.objects_:
            raise StoreError("missing", f"{place.where} has no {key}")
        yield self.objects_[place.bucket, key][0]

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        return next((each for each in self.objects(place, key) if each.key == key), None)

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        self._reached(place)
        for (bucket, key), (body, at) in sorted(self.objects_.items()):
            if bucket == place.bucket and key.startswith(prefix):
                yield Object(key, len(body), at)

    def versions(self, place: Place, prefix: str) -> Iterator[Object]:
        return self.objects(place, prefix)

    def delete(self, place: Place, key: str, version: str = "") -> None:
        self._reached(place)
        self.objects_.pop((place.bucket, key), None)
        self.log.append(f"{place.bucket}: deleted {key}")

    def admit_browsers(self, place: Place) -> None:
        raise NotImplementedError

    def features(self, place: Place) -> Features:
        self._reached(place)
        return Features(versions=True, locks=True, deletes=False)

    def keys(self, bucket: str, part: str = "") -> list[str]:
        """Names in a bucket that have this in them."""
        return sorted(key for where, key in self.objects_ if where == bucket and part in key)

    def flip(self, bucket: str, key: str, at: int = -100) -> None:
        """Change one byte of an object."""
        body, when = self.objects_[bucket, key]
        changed = bytearray(body)
        changed[at] ^= 1
        self.objects_[bucket, key] = (bytes(changed), when)

    def _reached(self, place: Place) -> None:
        if place.bucket in self.away:
            raise StoreError("unreachable", f"{place.where} can't be reached")
