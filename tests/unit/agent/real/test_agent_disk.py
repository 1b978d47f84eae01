"""Disks that refuse: full, read-only, not ours. Path, cause and remedy are said, and nothing is left half-written."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.documents.errors import Unwritable
from agent.host import paths
from agent.real.files import RealFiles
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.verbs import V1, call, new_host

OWNER = f"{os.getuid()}:{os.getgid()}"
Action = Callable[[RealFiles, Path], object]
WRITES: dict[str, Action] = {
    "write": lambda files, at: files.write(str(at / "file"), b"x" * 100_000, 0o600, OWNER),
    "link": lambda files, at: files.link(str(at / "link"), "/" + "x" * 200),
    "append": lambda files, at: files.append(str(at / "log"), "x" * 100_000, 0o600),
    "directory": lambda files, at: files.directory(str(at / "a" / "b"), 0o700, OWNER),
    "lock": lambda files, at: files.lock(str(at / "lock"), 0).__enter__(),
}


def refused(number: int) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "df -h"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "remount"),
        (errno.EACCES, "root"),
        (errno.EPERM, "lsattr"),
        (errno.EIO, "dmesg"),
    ],
)
@pytest.mark.parametrize("call_name", ["open", "write", "fsync", "fchown", "fchmod"])
def test_a_write_that_fails_anywhere_says_path_cause_and_remedy_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str, call_name: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    if call_name == "write":
        monkeypatch.setattr(os, "fdopen", lambda handle, _: Full(handle, number))
    else:
        monkeypatch.setattr(os, call_name, refused(number))
    with pytest.raises(Unwritable) as caught:
        RealFiles().write(str(path), b"new", 0o600, OWNER)
    monkeypatch.undo()
    assert str(caught.value) == f"{path} can't be written: {os.strerror(number)}"
    assert caught.value.errno == number
    assert remedy in caught.value.remedy
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


class Full:
    """An open file on a disk that refuses."""

    def __init__(self, handle: int, number: int) -> None:
        self.handle, self.number = handle, number

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)

    def write(self, _: bytes) -> None:
        raise OSError(self.number, os.strerror(self.number))


def test_a_line_that_does_not_fit_leaves_no_piece_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, really = tmp_path / "audit.log", os.write
    RealFiles().append(str(path), "one", 0o600)
    rooms = iter([3])

    def short(handle: int, data: bytes) -> int:
        room = next(rooms, 0)
        return really(handle, data[:room]) if room else refused(errno.ENOSPC)()

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(Unwritable, match="No space left"):
        RealFiles().append(str(path), "two and more", 0o600)
    monkeypatch.undo()
    assert path.read_text() == "one\n"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, full but for a page."""
    at = tmp_path / "tiny"
    at.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=12", "codeb-test", str(at)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root: it mounts a small file system")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


@pytest.mark.parametrize("name", ["write", "append"])
def test_a_full_file_system(tiny: Path, name: str) -> None:
    with pytest.raises(Unwritable, match=rf"{tiny}.* can't be written: No space left on device"):
        WRITES[name](RealFiles(), tiny)
    assert sum(path.stat().st_size for path in tiny.iterdir()) == 0, "nothing is half-written"


@pytest.mark.parametrize("name", WRITES)
def test_a_file_system_without_room_for_another_name(tiny: Path, name: str) -> None:
    for number in range(20):
        try:
            (tiny / f"filler-{number}").touch()
        except OSError:
            break
    before = sorted(os.listdir(tiny))
    with pytest.raises(Unwritable, match=rf"{tiny}.* can't be written: No space left on device"):
        WRITES[name](RealFiles(), tiny)
    assert sorted(os.listdir(tiny)) == before


@pytest.mark.parametrize("name", WRITES)
def test_a_read_only_file_system(tiny: Path, name: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    with pytest.raises(Unwritable, match="Read-only file system") as caught:
        WRITES[name](RealFiles(), tiny)
    assert "remount,rw" in caught.value.remedy


@pytest.mark.parametrize("verb", ["release", "remove", "retire", "apply", "notify"])
def test_each_verb_says_path_cause_and_remedy(verb: str) -> None:
    """The first write that the disk refuses, whichever it is."""
    documents: dict[str, Any] = {
        "release": release_document(V1),
        "remove": {"project": "shop-app"},
        "apply": {"version": 1, "files": [{"path": "/etc/codeb/x", "content": "x"}]},
        "notify": {"version": 1, "event": "approval-wanted", "project": "shop-app", "text": "x"},
    }
    said = 0
    for fail in range(1, 60):
        host = new_host()
        target = '{"version": 1, "stack": "s", "webhooks": [{"kind": "generic", "url": "https://a.test/"}]}'
        host.put(paths.NOTIFY, target, 0o600)
        if verb in ("remove", "retire"):
            call(host.ports(), "release", release_document(V1))
        host.operations, host.fail_at = 0, fail
        code, answer, err = call(host.ports(), verb, documents.get(verb, {}))
        if code == 0 or "can't be written" not in answer["cause"]:
            continue
        said += 1
        assert "/" in answer["cause"].partition(" can't be written: No space left on device")[0]
        assert "`df -h /" in answer["remedy"]
        assert "defect" not in err
    assert said
