"""An object's content, from wherever it still is, back into its bucket; what is damaged is never written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

from agent.host.s3 import Object, StoreError
from agent.restore.bucket import Bucket, Wish, headers
from agent.restore.lists import Lists
from agent.store.sealed import Damaged, checked
from agent.uploads import back

_MD5: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Problems:
    """What was wrong where, in words; `all_of_them`: nowhere was it right, and nothing was written."""

    found: tuple[str, ...] = ()
    all_of_them: bool = False


class _Unreadable(Exception):
    """What a place said from which a content was to come, told from what the bucket says to which it goes."""


def put(bucket: Bucket, found: Lists, wish: Wish) -> Problems:
    """Write an object as it was. Raises StoreError of the bucket, PipeBroken."""
    problems = []
    for where, pieces in _sources(bucket, found, wish):
        try:
            back.put(bucket.ports, wish.key, _apart(pieces), bucket.place, headers(bucket, wish), wish.size)
        except (Damaged, _Unreadable) as error:
            problems.append(f"{where}: {error}")
            continue
        return Problems(tuple(problems))
    return Problems(tuple(problems), all_of_them=True)


def _sources(bucket: Bucket, found: Lists, wish: Wish) -> Iterator[tuple[str, Generator[bytes, None, None]]]:
    """The bucket's own older version first: nothing has to be opened for that."""
    ports, run = bucket.ports, found.run
    if wish.version is not None:
        yield bucket.place.bucket, version(bucket, wish.version, wish.sha256)
    if wish.entry is not None:
        for store in found.stores:
            yield store.name, back.content(ports, store.place, run, wish.entry, ports.asker.gone)


def version(bucket: Bucket, found: Object, sha256: str = "") -> Generator[bytes, None, None]:
    """The content of an older version, held to its sum, or to an ETag that is one. Raises StoreError, Damaged."""
    pieces = bucket.ports.s3.get(bucket.place, found.key, found.version)
    if sha256:
        yield from checked(pieces, found.key, sha256)
        return
    digest = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
        yield piece
    if _MD5.fullmatch(found.etag) and digest.hexdigest() != found.etag:
        raise Damaged(f"the version {found.version} is not what its ETag says")


def _apart(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    try:
        yield from pieces
    except StoreError as error:
        raise _Unreadable(str(error)) from None
    finally:
        pieces.close()
