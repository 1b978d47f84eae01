"""A store read as it was first written: for each name the oldest version counts.

Whoever takes a data server over can put objects under names that are taken, and marks that say they are deleted; in a bucket
with versions what was there before is beneath them. Nothing of ours is ever written twice under one name.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby

from agent.host.ports import Ports
from agent.host.s3 import S3, Features, Object, Place, Sent, StoreError


def as_first_written(ports: Ports) -> Ports:
    """The same host, by which every store is read so."""
    return replace(ports, s3=Oldest(ports.s3))


class Oldest:
    """A port for stores on another one: reads find the oldest version of a name, the rest is handed on."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        if not version:
            found = self.head(place, key)
            if found is None:
                raise StoreError("missing", f"{place.where} has no {key}", "NoSuchKey")
            version = found.version
        return self._s3.get(place, key, version)

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        if version:
            return self._s3.head(place, key, version)
        return next((found for found in self.objects(place, key) if found.key == key), None)

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        for _, versions in groupby(self._s3.versions(place, prefix), key=lambda found: found.key):
            written = [found for found in versions if not found.marker]
            if written:
                yield min(reversed(written), key=lambda found: found.at)

    def put(self, place: Place, key: str, body: bytes) -> None:
        self._s3.put(place, key, body)

    def upload(
        self,
        place: Place,
        key: str,
        pieces: Iterable[bytes],
        expected: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        return self._s3.upload(place, key, pieces, expected, headers)

    def versions(self, place: Place, prefix: str) -> Iterator[Object]:
        return self._s3.versions(place, prefix)

    def delete(self, place: Place, key: str, version: str = "") -> None:
        self._s3.delete(place, key, version)

    def features(self, place: Place) -> Features:
        return self._s3.features(place)
