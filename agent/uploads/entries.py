"""One object of a bucket as a run's list has it, and under which name its content is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Object
from agent.store.sealed import Damaged

NAME: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is what its content is kept under; `size` (bytes) and `sha256` are of the content.

    `headers`: what HTTP says of it (type, caching), and the app's own `x-amz-meta-…`. `etag`: what its store called the
    content, by which a restore knows that it is still the same without reading it.
    """

    key: str
    name: str
    size: int
    at: str
    sha256: str
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""

    @property
    def moment(self) -> datetime:
        """When it was written, cut to the second."""
        return datetime.fromisoformat(self.at.replace("Z", "+00:00"))

    def line(self) -> bytes:
        """A line of a list."""
        values = [self.key, self.name, self.size, self.at, self.sha256, dict(self.headers), self.etag]
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def from_lines(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Raises Damaged for what is no list."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(_entry, lines)
    if rest:
        raise Damaged("a list ends within a line")


def _entry(line: bytes) -> Entry:
    try:
        key, name, size, at, sha256, headers, etag = json.loads(line)
        found = Entry(str(key), str(name), int(size), str(at), str(sha256), _headers(headers), str(etag))
    except (ValueError, TypeError) as error:
        raise Damaged(f"a line of a list can't be read: {type(error).__name__}") from None
    if not NAME.fullmatch(found.name):
        raise Damaged("a line of a list names no object")
    return found


def _headers(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise ValueError("no headers")
    return {str(name): str(value) for name, value in found.items()}


def namer(ports: Ports) -> Namer:
    """Raises Failed without the stack's key."""
    key = ports.files.read(paths.BACKUP_KEY)
    if key is None:
        raise Failed("settings", f"{paths.BACKUP_KEY} isn't there", "run `pulumi up`, which writes it anew")
    return Namer(hashlib.sha256(b"codeb/backup/1/upload\n" + key.strip()).digest())


@dataclass(frozen=True)
class Namer:
    """Gives one version of one object always the same name, which tells nobody without the key what it is of."""

    secret: bytes = field(repr=False)

    def name(self, found: Object) -> str:
        facts = [found.key, found.version, found.etag, found.size, f"{found.at:%Y-%m-%dT%H:%M:%S}"]
        return hmac.new(self.secret, json.dumps(facts).encode(), hashlib.sha256).hexdigest()
