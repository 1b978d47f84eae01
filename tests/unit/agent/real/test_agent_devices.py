"""Real devices, sessions and programs that can't be ended, as far as a test may have them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agent.real.asker import RealAsker
from agent.real.files import RealFiles
from agent.real.runner import RealRunner

MIB = 1 << 20
SIZE = 3000 * MIB


@pytest.mark.parametrize("place", [0, 512, MIB - 1, 63 * MIB, SIZE - 1, SIZE // 2])
def test_a_device_with_one_byte_that_matters_is_not_blank(tmp_path: Path, place: int) -> None:
    device = tmp_path / "device"
    with device.open("wb") as out:
        out.truncate(SIZE)
    assert RealFiles().blank(str(device))
    with device.open("r+b") as out:
        out.seek(place // (SIZE // 256) * (SIZE // 256) if place == SIZE // 2 else place)
        out.write(b"\1")
    assert not RealFiles().blank(str(device))


@pytest.mark.parametrize("size", [0, 1, 5000, 3 * MIB])
def test_small_devices_are_read_whole(tmp_path: Path, size: int) -> None:
    device = tmp_path / "device"
    device.write_bytes(bytes(size))
    assert RealFiles().blank(str(device))
    if size:
        device.write_bytes(bytes(size - 1) + b"\1")
        assert not RealFiles().blank(str(device))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("publickey ssh-ed25519 AAAAC3Nz\n", "ssh-ed25519 AAAAC3Nz"),
        ("password\npublickey ssh-rsa AAAAB3Nz\n", "ssh-rsa AAAAB3Nz"),
        ("publickey ssh-ed25519-cert-v01@openssh.com AAAAIHNz\n", ""),
        ("password\n", ""),
        ("", ""),
    ],
)
def test_sshd_tells_by_which_key_a_session_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str
) -> None:
    (tmp_path / "auth").write_text(text)
    monkeypatch.setenv("SSH_USER_AUTH", str(tmp_path / "auth"))
    assert RealAsker().key() == key


def test_without_a_session_nobody_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSH_USER_AUTH", raising=False)
    assert RealAsker().key() == ""
    monkeypatch.setenv("SSH_USER_AUTH", str(tmp_path / "gone"))
    assert RealAsker().key() == ""


def test_a_program_that_can_not_be_ended_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for a file system that hangs takes no signal."""

    class Stuck(subprocess.Popen[str]):
        def kill(self) -> None:
            """Nothing comes of it."""

    started: list[Any] = []

    def start(*arguments: Any, **options: Any) -> Stuck:
        started.append(Stuck(*arguments, **options))
        return started[0]

    monkeypatch.setattr("agent.real.runner.subprocess.Popen", start)
    began = time.monotonic()
    result = RealRunner().run(["sleep", "60"], timeout_s=0.2)
    assert (result.code, result.err) == (124, "sleep did not end within 0.2 s")
    assert time.monotonic() - began < 50, "it waited for the minute"
    super(Stuck, started[0]).kill()
    started[0].wait()
