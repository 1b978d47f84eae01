"""What is remembered of a host's storage (`/var/lib/codeb/storage.json`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class KnownDisk:
    """A disk that is in use: where, and which file system it was found or made to have."""

    device: str
    path: str
    label: str
    uuid: str


@dataclass(frozen=True)
class Memory:
    """`formatting` are devices that were found empty and are being formatted; `shares` paths of shares that are mounted."""

    disks: tuple[KnownDisk, ...] = ()
    shares: tuple[str, ...] = ()
    formatting: tuple[str, ...] = ()

    def at(self, path: str) -> KnownDisk | None:
        """The disk that is mounted there."""
        return next((disk for disk in self.disks if disk.path == path), None)

    def begun(self, device: str) -> Memory:
        return replace(self, formatting=(*self.formatting, device))

    def formatted(self, device: str) -> Memory:
        return replace(self, formatting=tuple(each for each in self.formatting if each != device))

    def with_disk(self, disk: KnownDisk) -> Memory:
        return replace(self, disks=(*(each for each in self.disks if each.path != disk.path), disk))


def load(ports: Ports) -> Memory:
    """What earlier runs left; nothing on a new host. Raises Failed."""
    content = ports.files.read(paths.STORAGE)
    if content is None:
        return Memory()
    try:
        document = json.loads(content)
        return Memory(
            tuple(KnownDisk(**disk) for disk in document["disks"]),
            tuple(document["shares"]),
            tuple(document["formatting"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        remedy = (
            f"delete {paths.STORAGE} and run again: disks that are in use are found again by what is on them"
        )
        raise Failed("storage", f"{paths.STORAGE} can't be read: {error}", remedy) from error


def save(ports: Ports, memory: Memory) -> None:
    """Remember in one step."""
    ports.files.write(paths.STORAGE, json.dumps({"version": 1, **asdict(memory)}, indent=1).encode(), 0o600)
