"""JSON files that are whole at any moment, and read again when somebody else has written them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

Json = dict[str, Any]
T = TypeVar("T")


def write(path: Path, content: object, indent: int | None = 1) -> None:
    """Replace a file by a rename: a reader, and whoever comes after a kill, sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=indent)
        file.write("\n")
    part.rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process and thread at a time; the lock goes with its holder."""
    with path.with_name(f".{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Watched(Generic[T]):
    """What a file says, parsed again when it has changed; `parse` gets None while there is no file."""

    def __init__(self, path: Path, parse: Callable[[Any], T]) -> None:
        self.path = path
        self._parse = parse
        self._seen: tuple[int, int, int] | None = None
        self._value: T | None = None

    def value(self) -> T:
        """The file's content as it is now."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._seen = None
            return self._parse(None)
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if self._value is None or seen != self._seen:
            self._value = self._parse(json.loads(self.path.read_text()))
            self._seen = seen
        return self._value
