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
from agent.store.settings import HERE, Store


def as_first_written(ports: Ports, stores: Iterable[Store]) -> Ports:
    """The same host, by which these stores are read so, but for the one here: what is there may be written anew."""
    return replace(ports, s3=Oldest(ports.s3, [each.place for each in stores if each.name != HERE]))


class Oldest:
    """A port for stores on another one: reads of these places find the oldest version of a name, the rest is handed on."""

    def __init__(self, s3: S3, places: Iterable[Place]) -> None:
        self._s3 = s3
        self._places = frozenset((place.endpoint, place.bucket) for place in places)

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        if not version and self._is_one(place):
            found = self.head(place, key)
            if found is None:
                raise StoreError("missing", f"{place.where} has no {key}", "NoSuchKey")
            version = found.version
        return self._s3.get(place, key, version)

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        if version or not self._is_one(place):
            return self._s3.head(place, key, version)
        return next((found for found in self.objects(place, key) if found.key == key), None)

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        if not self._is_one(place):
            yield from self._s3.objects(place, prefix)
            return
        for _, versions in groupby(self._s3.versions(place, prefix), key=lambda found: found.key):
            written = [found for found in versions if not found.marker]
            if written:
                yield min(reversed(written), key=lambda found: found.at)

    def _is_one(self, place: Place) -> bool:
        return (place.endpoint, place.bucket) in self._places

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

    def admit_browsers(self, place: Place) -> None:
        self._s3.admit_browsers(place)

    def features(self, place: Place) -> Features:
        return self._s3.features(place)
