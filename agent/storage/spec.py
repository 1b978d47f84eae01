"""What a bundle says of a host's storage, read into values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import ABSOLUTE, Reader

_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")  # ext4 has room for sixteen
_OWNER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Disk:
    """A block device with one file system at `path`. `owner` is whose data it holds: another's disk is never used.

    `unit` is the text of the mount unit, in which `@UUID@` stands for the file system.
    """

    device: str
    path: str
    label: str
    owner: str
    unit: str


@dataclass(frozen=True)
class Share:
    """A file system of several servers, mounted at `path` by its `tag`; `unit` is the text of the mount unit."""

    tag: str
    path: str
    unit: str


@dataclass(frozen=True)
class Storage:
    """All that a bundle lists."""

    disks: tuple[Disk, ...] = ()
    shares: tuple[Share, ...] = ()


def read_storage(reader: Reader) -> Storage:
    """`disks` and `shares` of a bundle. Raises BadDocument."""
    found = Storage(
        disks=tuple(_disk(item) for item in reader.children("disks")),
        shares=tuple(_share(item) for item in reader.children("shares")),
    )
    mounts = [disk.path for disk in found.disks] + [share.path for share in found.shares]
    devices = [disk.device for disk in found.disks]
    for name in (*mounts, *devices):
        if (mounts + devices).count(name) > 1:
            raise BadDocument("disks", f"{name} is listed twice")
    return found


def _disk(reader: Reader) -> Disk:
    made = Disk(
        device=reader.text("device", ABSOLUTE),
        path=reader.text("path", ABSOLUTE),
        label=reader.text("label", _LABEL),
        owner=reader.text("owner", _OWNER),
        unit=reader.text("unit"),
    )
    reader.end()
    return made


def _share(reader: Reader) -> Share:
    made = Share(tag=reader.text("tag", _TAG), path=reader.text("path", ABSOLUTE), unit=reader.text("unit"))
    reader.end()
    return made
