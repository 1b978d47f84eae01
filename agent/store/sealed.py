"""Objects that nobody reads without the key: packed by zstd, sealed by age, summed on both sides.

age gives out good chunks before it finds a bad one, so nobody may act on what `opened` yields before it is exhausted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Final

from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Place

_PACK: Final = ["zstd", "--quiet", "--stdout", "-3", "-T1"]
_UNPACK: Final = ["zstd", "--quiet", "--decompress", "--stdout"]
_OPEN: Final = ["age", "--decrypt", "--identity", paths.BACKUP_KEY]
_OTHER_KEY: Final = ("no identity matched", "incorrect identity")


class Damaged(Exception):
    """What is in a store is not what was put there, or can't be opened with this key."""


@dataclass(frozen=True)
class Sealed:
    """Bytes and SHA-256 (hex) of what is stored, and of what went into it."""

    size: int
    sha256: str
    plain_size: int
    plain_sha256: str


def put_sealed(
    ports: Ports,
    place: Place,
    key: str,
    pieces: Iterable[bytes],
    recipient: str,
    *,
    expected: int = 0,
    unless: Callable[[], object] = lambda: False,
) -> Sealed:
    """Store what these pieces make, whole or not at all. `expected`: about how many bytes.

    Raises StoreError, PipeBroken, and what `pieces` raises.
    """
    summed = _Summed(pieces)
    stages = [_PACK, ["age", "--encrypt", "--recipient", recipient]]
    sent = ports.s3.upload(place, key, ports.pipes.flow(stages, summed.pieces(), unless=unless), expected)
    return Sealed(sent.size, sent.sha256, summed.size, summed.sha256)


def opened(
    ports: Ports,
    place: Place,
    key: str,
    *,
    sha256: str = "",
    plain_sha256: str = "",
    version: str = "",
    unless: Callable[[], object] = lambda: False,
) -> Generator[bytes, None, None]:
    """What was sealed, piece by piece (some may be empty); right and whole once the generator is exhausted.

    Both sums are compared where they are given. Raises Damaged, StoreError, PipeBroken when a program isn't there.
    """
    stored = checked(ports.s3.get(place, key, version), key, sha256)
    plain = ports.pipes.flow([_OPEN, _UNPACK], stored, unless=unless)
    try:
        yield from checked(plain, key, plain_sha256)
    except PipeBroken as error:
        raise _damaged(key, error) or error from None


def checked(pieces: Iterable[bytes], key: str, sha256: str) -> Generator[bytes, None, None]:
    """The same pieces; Damaged at the end unless they have this sum (where there is one)."""
    return _Summed(pieces).pieces(key, sha256)


def unsealed(ports: Ports, name: str, content: bytes) -> bytes:
    """What a few sealed bytes hold, which aren't packed; `name` is for the error. Raises Damaged, PipeBroken as `opened`."""
    try:
        return b"".join(ports.pipes.flow([_OPEN], [content]))
    except PipeBroken as error:
        raise _damaged(name, error) or error from None


def _damaged(key: str, error: PipeBroken) -> Damaged | None:
    """What a program's refusal says of the object; None when it is about the program, or nobody waits any more."""
    if error.first.code in (127, 130):
        return None
    if any(words in error.first.said for words in _OTHER_KEY):
        return Damaged(f"{key} is sealed for another key than this stack's")
    return Damaged(f"{key} can't be opened: {error}")


class _Summed:
    """Pieces on their way, with how many bytes they were and their SHA-256."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def pieces(self, key: str = "", expected: str = "") -> Generator[bytes, None, None]:
        """Raises Damaged at the end unless their sum is the one expected, where there is one."""
        try:
            for piece in self._pieces:
                self._digest.update(piece)
                self.size += len(piece)
                yield piece
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        if expected and self.sha256 != expected:
            raise Damaged(f"{key} is not what was stored: its SHA-256 is another one")
