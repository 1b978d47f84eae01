"""Third-party files: pinned in pins.toml, fetched by their ordinary clients, checked, kept in the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.host import commands
from lab.host.cache import cached
from lab.host.errors import LabError
from lab.host.paths import Folders
from lab.host.progress import Progress

PINS = Path(__file__).with_name("pins.toml")
# Wheels for any x86_64 Linux of the last years, whatever Python runs us.
_PLATFORMS = (
    *("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64"),
)


@dataclass(frozen=True)
class Pin:
    """One file: which client fetches which package in which version, and its SHA-256."""

    name: str
    client: Literal["pip", "npm"]
    package: str
    version: str
    sha256: str


def load(path: Path = PINS) -> dict[str, Pin]:
    """All pins by name."""
    return {name: Pin(name=name, **fields) for name, fields in tomllib.loads(path.read_text()).items()}


def fetch(pin: Pin, folders: Folders, progress: Progress, env: Mapping[str, str] | None = None) -> Path:
    """The pinned file, downloaded when the cache lacks it. npm is found on the PATH of ``env``.

    Raises LabError when the client fails or what it brought is not what was pinned.
    """

    def make(part: Path) -> None:
        part.mkdir(parents=True)
        commands.build(_client(pin, part), folders.logs / "downloads.log", env=env, cwd=part)
        (found,) = part.iterdir()
        with found.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != pin.sha256:
            raise LabError(
                f"{pin.package} {pin.version} has SHA-256 {digest}, {PINS.name} pins {pin.sha256}",
                f"find out who changed it before you change {PINS}",
            )

    what = f"download {pin.package} {pin.version}"
    folder = cached(folders.cache / "downloads" / f"{pin.name}-{pin.version}", make, progress, what)
    return next(folder.iterdir())


def _client(pin: Pin, folder: Path) -> list[str]:
    if pin.client == "npm":
        return ["npm", "pack", "--silent", f"{pin.package}@{pin.version}"]
    platforms = [f"--platform={platform}" for platform in _PLATFORMS]
    line = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    line += [*platforms, "--python-version=3.11", "--implementation=cp", f"--dest={folder}"]
    return [*line, f"{pin.package}=={pin.version}"]


def unpack(archive: Path, target: Path, wanted: Callable[[str], str | None]) -> None:
    """Unpack those members of a wheel or an npm package that ``wanted`` gives a path below ``target``."""
    if archive.suffix == ".whl":
        _unzip(archive, target, wanted)
    else:
        _untar(archive, target, wanted)


def _unzip(archive: Path, target: Path, wanted: Callable[[str], str | None]) -> None:
    with zipfile.ZipFile(archive) as wheel:
        for member in wheel.infolist():
            path = None if member.is_dir() else wanted(member.filename)
            if path is not None:
                with wheel.open(member) as source:
                    _write(source.read, target / path, (member.external_attr >> 16) & 0o777 or 0o644)


def _untar(archive: Path, target: Path, wanted: Callable[[str], str | None]) -> None:
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            path = wanted(member.name) if member.isfile() else None
            source = package.extractfile(member)
            if path is not None and source is not None:
                _write(source.read, target / path, member.mode & 0o777)


def _write(read: Callable[[], bytes], path: Path, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(read())
    path.chmod(mode)


def read(archive: Path, member: str) -> bytes:
    """One file of an npm package. Raises LabError when it has none of this name."""
    with tarfile.open(archive) as package:
        for found in package.getmembers():
            if found.name == member and (source := package.extractfile(found)):
                return source.read()
    raise LabError(f"{archive.name} has no file {member}", f"look what it has, and change {PINS}")


def below(prefix: str, to: str = "") -> Callable[[str], str | None]:
    """A ``wanted`` that keeps what is below ``prefix`` in an archive and puts it below ``to``."""

    def wanted(name: str) -> str | None:
        return os.path.join(to, name.removeprefix(prefix)) if name.startswith(prefix) else None

    return wanted


def on_path(command: str) -> bool:
    """Whether this machine has a command."""
    return shutil.which(command) is not None
