"""Packages of Node apps: installed once for each lock file, and given to each build as links to the same files.

A file that a build writes in place is everybody's, so what was installed is noted with sizes and times: an entry that has
changed is thrown away. An entry is kept once a build with it went well.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from lab.host.cache import digest_of, locked, remove
from lab.host.errors import LabError
from lab.host.progress import Progress

KEPT: Final = 3
_ABANDONED: Final = 86_400
"""Seconds after which an entry in the making is that of a run that was killed."""
_MODULES: Final = "node_modules"
_LOCK: Final = "package-lock.json"
_NOTED: Final = "noted"
_OWN: Final = frozenset({"name", "version", "description", "license", "private", "scripts"})
"""Fields of a package.json that say nothing of what is installed."""
_RUN_AT_INSTALL: Final = frozenset({
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies",
})  # fmt: skip
"""Scripts that npm runs after an `npm install` without arguments (its docs, "Life Cycle Operation Order"); it also builds
what a `binding.gyp` describes."""


@contextmanager
def installed(
    folder: Path, cache: Path, install: Callable[[], None], progress: Progress, tools: str
) -> Iterator[None]:
    """A folder's `node_modules` for a build: by `install`, or by links to what it did for another with the same lock file.

    `tools` names the versions of what installs. An app without a lock file, or one that runs something of its own at its
    installation, always installs.

    Raises:
        LabError: package.json or package-lock.json can't be read.
    """
    key = key_of(folder, tools)
    if key is None:
        install()
        yield
        return
    cache.mkdir(parents=True, exist_ok=True)
    entry = cache / key
    if _linked(entry, folder, progress):
        try:
            yield
        finally:
            with locked(cache / ".lock"):
                _drop_changed(entry, progress)
        return
    install()
    part = cache / f"{key}.{os.getpid()}.part"
    remove(part)
    try:
        part.mkdir()
        _link(folder / _MODULES, part / _MODULES)
        (part / _NOTED).write_text(_state(part / _MODULES))
        yield
        with locked(cache / ".lock"):
            if not _drop_changed(part, progress):
                remove(entry)
                part.rename(entry)
                _prune(cache)
    finally:
        remove(part)


def key_of(folder: Path, tools: str) -> str | None:
    """Names what npm would install there, but for what the app itself is called; None where that can't be said.

    Raises:
        LabError: a file of npm's isn't as npm writes it.
    """
    package, lock = _json(folder / "package.json"), _json(folder / _LOCK)
    locked_packages = lock.get("packages")
    if not locked_packages or _RUN_AT_INSTALL & set(package.get("scripts") or ()):
        return None
    if (folder / "binding.gyp").exists():
        return None
    if not isinstance(locked_packages, dict):
        raise _wrong(folder / _LOCK)
    root = locked_packages.get("", {})
    others = {name: each for name, each in locked_packages.items() if name}
    npmrc = folder / ".npmrc"
    said = npmrc.read_text() if npmrc.is_file() else ""
    return digest_of(_without_own(package), _without_own(root), others, said, tools)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise _wrong(path) from error
    if not isinstance(found, dict):
        raise _wrong(path)
    return found


def _wrong(path: Path) -> LabError:
    return LabError(f"{path} is no JSON as npm writes it", "`npm install` in its folder writes it anew")


def _without_own(package: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in package.items() if name not in _OWN}


def _linked(entry: Path, folder: Path, progress: Progress) -> bool:
    """Whether the folder got its packages from the entry."""
    with locked(entry.parent / ".lock", progress):
        if not entry.exists() or _drop_changed(entry, progress):
            return False
        os.utime(entry)
        _link(entry / _MODULES, folder / _MODULES)
        return True


def _drop_changed(entry: Path, progress: Progress) -> bool:
    """Throw away what isn't as it was installed. Whether it was so."""
    if not entry.exists():
        return False
    with suppress(FileNotFoundError):
        if (entry / _NOTED).read_text() == _state(entry / _MODULES):
            return False
    progress.say("lab: a build changed files of its packages in place: they are installed anew for the next")
    remove(entry)
    return True


def _state(modules: Path) -> str:
    """Sizes, times and modes of all files: what a write in place changes."""
    found = []
    for folder, _, names in os.walk(modules):
        for name in names:
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            found.append((path[len(str(modules)) :], seen.st_size, seen.st_mtime_ns, seen.st_mode))
    return digest_of(sorted(found))


def _link(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)


def _prune(cache: Path) -> None:
    """Keep the entries that were used last. Under the lock: nobody is linking one."""
    folders = [path for path in cache.iterdir() if path.is_dir()]
    entries = sorted((path for path in folders if path.suffix != ".part"), key=_age)
    abandoned = [path for path in folders if path.suffix == ".part" and _age(path) < time.time() - _ABANDONED]
    for old in (*entries[:-KEPT], *abandoned):
        remove(old)


def _age(path: Path) -> float:
    return path.stat().st_mtime
