"""Files, replaced in one step that survives kill -9 and a power cut."""

from __future__ import annotations

import fcntl
import grp
import io
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.documents.errors import Unwritable
from agent.host.ports import Busy, Entry

_POLL_S = 0.05
_SAMPLE = 1 << 20
_SAMPLES = 256
_BEGINNING = 64 << 20
"""Of a device, in bytes: all of the beginning has to be zeros, and this many samples of the rest."""


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
        ids = _ids(owner)
        with _replaced(path) as new:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                os.fchown(handle, *ids)
                os.fchmod(handle, mode)
                out.flush()
                os.fsync(handle)

    def remove(self, path: str) -> None:
        with _told(path):
            try:
                Path(path).unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            _sync(Path(path).parent)

    def link(self, path: str, target: str) -> None:
        with _replaced(path) as new:
            new.symlink_to(target)

    def link_target(self, path: str) -> str | None:
        try:
            return os.readlink(path)
        except OSError:
            return None

    def is_folder(self, path: str) -> bool:
        return Path(path).is_dir()

    def listing(self, folder: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(folder) if not name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def directory(self, path: str, mode: int, owner: str) -> bool:
        folder, ids = Path(path), _ids(owner)
        with _told(path):
            fresh = not folder.is_dir()
            if fresh:
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
            found = folder.stat()
            right = stat.S_IMODE(found.st_mode) == mode and (found.st_uid, found.st_gid) == ids
            if not right:
                os.chown(path, *ids)
                folder.chmod(mode)
        return fresh or not right

    def remove_tree(self, path: str) -> None:
        if Path(path).is_dir():
            with _told(path):
                shutil.rmtree(path)

    def move(self, path: str, target: str) -> None:
        if Path(path).is_dir():
            with _told(target):
                Path(path).rename(target)
                _sync(Path(target).parent)

    def append(self, path: str, line: str, mode: int) -> None:
        with _told(path):
            Path(path).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, mode)
            try:
                _add(handle, line.encode() + b"\n")
            finally:
                os.close(handle)

    def blank(self, device: str) -> bool:
        with open(device, "rb", buffering=0) as disk:
            size = disk.seek(0, os.SEEK_END)
            step = max(_SAMPLE, size // _SAMPLES)
            places = [
                *range(0, min(size, _BEGINNING), _SAMPLE),
                *range(0, size, step),
                max(0, size - _SAMPLE),
            ]
            return all(_zeros(disk, place) for place in places)

    def disk_used_percent(self, path: str) -> float:
        free, size = self.disk_room(path)
        return 100 * (size - free) / size

    def disk_room(self, path: str) -> tuple[int, int]:
        usage = shutil.disk_usage(path)
        return usage.free, usage.total

    @contextmanager
    def lock(self, path: str, wait_s: float) -> Iterator[None]:
        handle = _acquire(path, wait_s)
        try:
            yield
        finally:
            os.close(handle)

    def held_since(self, path: str) -> float | None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.fstat(handle).st_mtime
        finally:
            os.close(handle)
        return None


def _zeros(disk: io.FileIO, place: int) -> bool:
    disk.seek(place)
    data = disk.read(_SAMPLE)
    return data == bytes(len(data))


def _acquire(path: str, wait_s: float) -> int:
    """The lock's handle; the file's time says since when it is held.

    Whoever holds a lock may delete its file. Then those who wait for it hold another file's lock once they get it, and begin
    anew with the one that is there.
    """
    end = time.monotonic() + wait_s
    while True:
        with _told(path):
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _locked(handle, end) and _same(handle, path):
                with suppress(OSError):
                    os.utime(handle)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if time.monotonic() >= end:
            raise Busy(f"{path} has been held for more than {wait_s:g} s")


def _locked(handle: int, end: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_POLL_S)
        else:
            return True


def _same(handle: int, path: str) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def _told(path: str) -> Iterator[None]:
    """An error of the disk names this path. Raises Unwritable."""
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(path, error) from error


@contextmanager
def _replaced(path: str) -> Iterator[Path]:
    """A new file beside the path, which takes its place at the end and is gone when that fails. Raises Unwritable."""
    folder = Path(path).parent
    new = folder / f".{Path(path).name}.codeb-new"
    with _told(path):
        folder.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        try:
            yield new
            new.replace(path)
        except BaseException:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        _sync(folder)


def _add(handle: int, data: bytes) -> None:
    """Add to an open file, all of it or nothing."""
    before = os.fstat(handle).st_size
    try:
        while data:
            data = data[os.write(handle, data) :]
    except OSError:
        os.ftruncate(handle, before)
        raise


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
