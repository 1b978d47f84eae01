"""The cache: each entry is built once, in a ``.part`` beside it, and appears by a rename.

Two clones may share one cache: a lock per entry makes the second wait for the first. A run that was killed
leaves a ``.part``, which the next one replaces.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.host.progress import Progress

DIGEST_LENGTH = 12


@contextmanager
def locked(path: Path, progress: Progress | None = None) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (created when missing); says so when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress:
                progress.say(f"lab: waiting for another run that holds {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remove(path: Path) -> None:
    """Remove a file or a tree; nothing to do when it is absent."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def cached(target: Path, make: Callable[[Path], None], progress: Progress, what: str) -> Path:
    """Return ``target``, made by ``make(part)`` first when it does not exist yet."""
    if target.exists():
        return target
    with locked(target.with_name(f"{target.name}.lock"), progress):
        if not target.exists():
            part = target.with_name(f"{target.name}.part")
            remove(part)
            with progress.step(what):
                make(part)
            part.rename(target)
    return target


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old text or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.touch(mode=mode)
    part.chmod(mode)
    part.write_text(text)
    part.rename(path)


def digest_of(*parts: object) -> str:
    """Short stable digest of JSON-like values, for names of cache entries."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def digest_of_tree(root: Path, skip: Iterable[str] = ()) -> str:
    """Short digest of all files below ``root``: names, contents, executable bits, link targets.

    ``skip`` holds names of files or folders that do not count, at any depth.
    """
    ignored = set(skip)
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if ignored.intersection(relative.parts) or (path.is_dir() and not path.is_symlink()):
            continue
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        runs = bool(path.lstat().st_mode & 0o100)
        total.update(f"{relative}\0{runs}\0{path.is_symlink()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:DIGEST_LENGTH]
