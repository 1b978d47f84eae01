"""Files, replaced in one step that survives kill -9 and a power cut."""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.host.ports import Busy, Entry

_POLL_S = 0.05


class RealFiles:
    """The host's file system."""

    def read(self, path: str) -> bytes | None:
        try:
            return Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def entry(self, path: str) -> Entry | None:
        content = self.read(path)
        if content is None:
            return None
        found = Path(path).stat()
        return Entry(content, stat.S_IMODE(found.st_mode), _owner(found.st_uid, found.st_gid))

    def owned(self, path: str, owner: str) -> bool:
        found = Path(path).stat()
        return (found.st_uid, found.st_gid) == _ids(owner)

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        folder = Path(path).parent
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{Path(path).name}.codeb-new"
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            os.fchown(handle, *_ids(owner))
            os.fchmod(handle, mode)
            out.flush()
            os.fsync(handle)
        new.replace(path)
        _sync(folder)

    def remove(self, path: str) -> None:
        try:
            Path(path).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        _sync(Path(path).parent)

    def link(self, path: str, target: str) -> None:
        folder = Path(path).parent
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{Path(path).name}.codeb-new"
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(path)
        _sync(folder)

    def link_target(self, path: str) -> str | None:
        try:
            return os.readlink(path)
        except OSError:
            return None

    def listing(self, folder: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(folder) if not name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def directory(self, path: str, mode: int, owner: str) -> bool:
        folder = Path(path)
        fresh = not folder.is_dir()
        if fresh:
            folder.mkdir(mode=mode, parents=True, exist_ok=True)
        found = folder.stat()
        right = stat.S_IMODE(found.st_mode) == mode and (found.st_uid, found.st_gid) == _ids(owner)
        if not right:
            os.chown(path, *_ids(owner))
            folder.chmod(mode)
        return fresh or not right

    def remove_tree(self, path: str) -> None:
        if Path(path).is_dir():
            shutil.rmtree(path)

    def move(self, path: str, target: str) -> None:
        if Path(path).is_dir():
            Path(path).rename(target)
            _sync(Path(target).parent)

    def append(self, path: str, line: str, mode: int) -> None:
        Path(path).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "ab") as out:
            out.write(line.encode() + b"\n")

    def disk_used_percent(self, path: str) -> float:
        usage = shutil.disk_usage(path)
        return 100 * (usage.total - usage.free) / usage.total

    @contextmanager
    def lock(self, path: str, wait_s: float) -> Iterator[None]:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _acquire(handle, path, wait_s)
            yield
        finally:
            os.close(handle)


def _acquire(handle: int, path: str, wait_s: float) -> None:
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise Busy(f"{path} has been held for more than {wait_s:g} s") from None
            time.sleep(_POLL_S)
        else:
            return


def _sync(folder: Path) -> None:
    """Make a rename in this folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _ids(owner: str) -> tuple[int, int]:
    """`root:root` or `999:999` as numbers."""
    user, _, group = owner.partition(":")
    return (
        int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid,
        int(group) if group.isdigit() else grp.getgrnam(group).gr_gid,
    )


def _owner(uid: int, gid: int) -> str:
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return f"{user}:{group}"
