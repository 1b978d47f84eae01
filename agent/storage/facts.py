"""Disks and shares as they are, for whoever reports: nothing is changed, and each question has an end."""

from __future__ import annotations

from dataclasses import dataclass

from agent.documents.errors import Failed
from agent.host import paths, units
from agent.host.ports import Ports
from agent.storage import disk, look, memory, programs
from agent.storage.memory import KnownDisk


@dataclass(frozen=True)
class DiskFacts:
    """A disk that is remembered. `size` of the device in bytes, None when it is missing; `free_percent` None when unmounted.

    `spare` is by how many bytes the device is larger than its file system.
    """

    device: str
    path: str
    size: int | None = None
    mounted: bool = False
    read_only: bool = False
    free_percent: float | None = None
    spare: int = 0
    at_boot: bool = True

    @property
    def grown(self) -> bool:
        """Whether the device is larger than its file system."""
        return self.spare >= disk.GAP

    def entry(self) -> dict[str, object]:
        """What answers say of it."""
        return {
            "path": self.path,
            "device": self.device,
            "size_bytes": self.size,
            "mounted": self.mounted,
            "free_percent": self.free_percent,
        }


@dataclass(frozen=True)
class ShareFacts:
    """A share that is remembered."""

    path: str
    mounted: bool
    answers: bool


def disks(ports: Ports) -> list[DiskFacts]:
    """Every disk in use. Raises Failed when what is remembered can't be read."""
    return [_disk(ports, known) for known in memory.load(ports).disks]


def _disk(ports: Ports, known: KnownDisk) -> DiskFacts:
    block, mount = look.block(ports, known.device), look.mount(ports, known.path)
    at_boot = units.state(ports, paths.mount_unit(known.path)).file_state == "enabled"
    if block is None or mount is None or mount.number != block.number:
        return DiskFacts(known.device, known.path, block.size if block else None, at_boot=at_boot)
    header, room = look.header(ports, known.device), look.room(ports, known.path)
    return DiskFacts(
        known.device,
        known.path,
        block.size,
        mounted=True,
        read_only=mount.read_only,
        free_percent=round(100 * room[1] / room[0], 1) if room and room[0] else None,
        spare=block.size - header.size if header else 0,
        at_boot=at_boot,
    )


def shares(ports: Ports) -> list[ShareFacts]:
    """Every share in use. Raises Failed as `disks`."""
    return [_share(ports, path) for path in memory.load(ports).shares]


def _share(ports: Ports, path: str) -> ShareFacts:
    try:
        mounted = look.mount(ports, path) is not None
    except Failed:
        return ShareFacts(path, mounted=True, answers=False)
    answers = mounted and ports.runner.run(programs.answers(path), timeout_s=look.QUICK_S).ok
    return ShareFacts(path, mounted, answers)
