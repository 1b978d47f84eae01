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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.host.progress import Progress

DIGEST_LENGTH = 12
Skip = Callable[[str], bool]
"""Says of a path, from a folder on with slashes, that it doesn't count."""


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


def digest_of_tree(root: Path, skip: Skip | None = None) -> str:
    """Short digest of all files below ``root``: names, contents, executable bits, link targets.

    What ``skip`` says yes to does not count, nor what is in it.
    """
    total = hashlib.sha256()
    for path in sorted(_entries(root, skip)):
        relative = path.relative_to(root)
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        runs = bool(path.lstat().st_mode & 0o100)
        total.update(f"{relative}\0{runs}\0{path.is_symlink()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:DIGEST_LENGTH]


def ignored(root: Path, skip: Skip) -> Callable[[str, list[str]], set[str]]:
    """What ``shutil.copytree(root, …)`` has to ignore, to copy what does not have to be skipped."""

    def names_in(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if skip(Path(folder, name).relative_to(root).as_posix())}

    return names_in


def _entries(root: Path, skip: Skip | None) -> Iterator[Path]:
    """All files and links below a folder; what is skipped isn't looked into."""
    left_out = ignored(root, skip) if skip else lambda _folder, _names: set()
    for folder, folders, files in os.walk(root):
        out = left_out(folder, [*folders, *files])
        folders[:] = [name for name in folders if name not in out]
        links = (name for name in folders if os.path.islink(os.path.join(folder, name)))
        yield from (Path(folder, name) for name in (*links, *files) if name not in out)
