"""The port for stores that speak S3, on this host or elsewhere. Real in `agent.real.s3`."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Kind = Literal["unreachable", "refused", "missing", "full", "wrong"]


@dataclass(frozen=True)
class Place:
    """A bucket and how to reach it. `endpoint` is `http[s]://host[:port]`; `ca` a file with a CA beside the system's.

    `lock_days`: days that what is written there can't be deleted; the bucket has to have object lock.
    """

    endpoint: str
    region: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    ca: str | None = None
    lock_days: int = 0

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.bucket} at {self.endpoint}"


@dataclass(frozen=True)
class Object:
    """An object, or one version of it. `marker`: this version says that the object was deleted. `etag` without quotes.

    `headers`, which only `head` tells: what HTTP says of its content, and the owner's own `x-amz-meta-…`.
    """

    key: str
    size: int
    at: datetime
    etag: str = ""
    version: str = ""
    latest: bool = True
    marker: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Sent:
    """What was written: bytes and their SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Features:
    """What a bucket has, None where the store doesn't say: versions, object lock; `deletes`: whether these keys may delete
    versions there."""

    versions: bool | None = None
    locks: bool | None = None
    deletes: bool | None = None


class StoreError(Exception):
    """A store did not do what it was asked. Names bucket, host and the store's own word, no key and nothing secret.

    `kind`: `unreachable` (no answer, or busy for too long), `refused` (keys, rights), `missing` (object or bucket), `full`,
    `wrong` (anything else).
    """

    def __init__(self, kind: Kind, text: str, code: str = "") -> None:
        super().__init__(text)
        self.kind: Kind = kind
        self.code = code


class S3(Protocol):
    """All raise StoreError. What failed on its way is tried again a few times first."""

    def put(self, place: Place, key: str, body: bytes) -> None:
        """Write a small object at once."""

    def upload(
        self,
        place: Place,
        key: str,
        pieces: Iterable[bytes],
        expected: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:
        """Write an object of unknown size, which is there whole once this returns, or not at all. `headers` as in Object.

        An error of `pieces` gives the upload up and is raised. `expected` are bytes, a guess: parts grow with it (156 GiB
        fit without one).
        """

    def get(self, place: Place, key: str, version: str = "") -> Generator[bytes, None, None]:
        """An object's bytes; all of them once the generator is exhausted without an error."""

    def head(self, place: Place, key: str, version: str = "") -> Object | None:
        """What there is by this name, None when there is nothing."""

    def objects(self, place: Place, prefix: str) -> Iterator[Object]:
        """All whose name begins so, in the order of their names."""

    def versions(self, place: Place, prefix: str) -> Iterator[Object]:
        """All their versions and deletions, the newest of a name first; in a bucket without versions each object once."""

    def delete(self, place: Place, key: str, version: str = "") -> None:
        """Delete an object, or one version of it for good; one that isn't there is fine."""

    def admit_browsers(self, place: Place) -> None:
        """Let pages of any origin send what a signed URL allows (CORS), as MinIO does of itself."""

    def features(self, place: Place) -> Features:
        """Ask what the bucket has. Nothing there changes: what is asked to be deleted isn't there."""
