"""Block devices in memory: what is on them, and where they are mounted over the files of the host."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.host.paths import UNITS, mount_unit
from agent.host.ports import Entry, Result

GIB = 1 << 30


class Host(Protocol):
    """Files as they are on disk."""

    files: dict[str, Entry]


@dataclass
class FileSystem:
    """An ext4: `files` by path below its top, while it isn't mounted."""

    uuid: str
    size: int
    label: str = "codeb-data"
    files: dict[str, Entry] = field(default_factory=dict)
    ever_mounted: bool = False


@dataclass
class Device:
    """A block device of `size` bytes. `junk`: it isn't empty, though of no known kind; `others` are further signatures."""

    number: str
    size: int = 10 * GIB
    system: FileSystem | None = None
    junk: bool = False
    others: tuple[str, ...] = ()
    unreadable: bool = False


@dataclass
class Disks:
    """`devices` by path, `mounts` by path and device, latest last. `formatted` counts.

    Shares that hang or are gone: `silent` and `lost`, by path. `free` are percent. `step` counts an effect.
    """

    host: Host
    step: Callable[[], bool]
    devices: dict[str, Device] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, dict[str, Entry]] = field(default_factory=dict)
    formatted: int = 0
    silent: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    read_only: bool = False
    free: int = 25

    def blank(self, device: str) -> bool:
        found = self.devices[device]
        return not (found.junk or found.system or found.others)

    def one(self, program: str, words: list[str]) -> Result:
        """What a program of util-linux or e2fsprogs does."""
        return self._programs()[program](words)

    def names(self) -> list[str]:
        return list(self._programs())

    def _programs(self) -> dict[str, Callable[[list[str]], Result]]:
        return {
            "lsblk": self._lsblk,
            "wipefs": self._wipefs,
            "dumpe2fs": self._dumpe2fs,
            "mkfs.ext4": self._mkfs,
            "e2fsck": lambda words: Result(0 if self.devices[words[-1]].system else 8),
            "resize2fs": self._resize,
            "mount": lambda words: self.mount(words[-2], words[-1]),
            "umount": lambda words: self.unmount(words[-1]),
            "findmnt": self._findmnt,
            "stat": lambda words: Result(124 if words[-1] in self.silent else 0),
            "find": self._find,
        }

    def _lsblk(self, words: list[str]) -> Result:
        device = self.devices.get(words[-1])
        return (
            Result(0, out=f"{device.number} {device.size}\n")
            if device
            else Result(32, err="not a block device")
        )

    def _wipefs(self, words: list[str]) -> Result:
        device = self.devices[words[-1]]
        if device.unreadable:
            return Result(
                1, err=f"wipefs: error: {words[-1]}: probing initialization failed: Input/output error"
            )
        rows = [{"type": kind, "label": None} for kind in device.others]
        if device.system:
            rows.append({"type": "ext4", "label": device.system.label})
        return Result(0, out=json.dumps({"signatures": rows}))

    def _dumpe2fs(self, words: list[str]) -> Result:
        system = self.devices[words[-1]].system
        if system is None:
            return Result(1, err="Bad magic number in super-block")
        last = "Fri Nov 27 09:48:55 2026" if system.ever_mounted else "n/a"
        lines = {
            "Filesystem UUID": system.uuid,
            "Filesystem features": "has_journal extent",
            "Block count": system.size >> 12,
            "Block size": 4096,
            "Last mount time": last,
        }
        return Result(0, out="".join(f"{f'{name}:':26}{value}\n" for name, value in lines.items()))

    def _mkfs(self, words: list[str]) -> Result:
        """A kill may come when half of it is done."""
        device = self.devices[words[-1]]
        device.system, device.junk = None, True
        self.step()
        self.formatted += 1
        label = words[words.index("-L") + 1]
        device.system, device.junk = FileSystem(f"uuid-{self.formatted}", device.size, label), False
        return Result(0)

    def _resize(self, words: list[str]) -> Result:
        device = self.devices[words[-1]]
        assert device.system
        device.system.size = device.size
        return Result(0)

    def mount(self, device: str, path: str) -> Result:
        system = self.devices[device].system
        if system is None:
            return Result(32, err=f"mount: {path}: wrong fs type, bad option, bad superblock on {device}")
        self.hidden[path] = self._taken(path)
        self.host.files |= {f"{path}/{name}": entry for name, entry in system.files.items()}
        system.ever_mounted = True
        self.mounts[path] = device
        return Result(0)

    def unmount(self, path: str) -> Result:
        device = self.mounts.pop(path, None)
        if device is None:
            return Result(32, err=f"umount: {path}: not mounted.")
        found = self._taken(path)
        system = self.devices[device].system if device in self.devices else None
        if system:
            system.files = {name.removeprefix(f"{path}/"): entry for name, entry in found.items()}
        self.host.files |= self.hidden.pop(path, {})
        return Result(0)

    def start(self, unit: str) -> Result:
        """Mount what a mount unit says."""
        content = self.host.files[f"{UNITS}/{unit}"].content.decode()
        settings = dict(line.split("=", 1) for line in content.splitlines() if "=" in line)
        what, path = settings["What"], settings["Where"]
        assert mount_unit(path) == unit
        if path in self.mounts:
            return Result(0)
        if settings["Type"] == "virtiofs":
            if path in self.lost:
                return Result(1, err=f"Job for {unit} failed.")
            self.mounts[path] = what
            return Result(0)
        for name, device in self.devices.items():
            if device.system and what == f"/dev/disk/by-uuid/{device.system.uuid}":
                return self.mount(name, path)
        return Result(1, err=f"A dependency job for {unit} failed.")

    def active(self, unit: str) -> bool:
        return unit in {mount_unit(path) for path in self.mounts}

    def stop(self, unit: str) -> None:
        for path in [path for path in self.mounts if mount_unit(path) == unit]:
            self.unmount(path)

    def boot(self, enabled: set[str]) -> None:
        """Everything is unmounted; units that are enabled are started."""
        for path in list(self.mounts):
            self.unmount(path)
        for unit in sorted(enabled):
            if unit.endswith(".mount") and f"{UNITS}/{unit}" in self.host.files:
                self.start(unit)

    def _findmnt(self, words: list[str]) -> Result:
        device = self.mounts.get(words[-1])
        if device is None:
            return Result(1)
        if any(word.startswith("--output=SIZE") for word in words):
            return Result(0, out=f"{100 * GIB} {self.free * GIB}\n")
        number = self.devices[device].number if device in self.devices else "0:55"
        return Result(0, out=f"{number} {'ro' if self.read_only else 'rw'},noatime\n")

    def _find(self, words: list[str]) -> Result:
        if "-perm" in words:
            return Result(1)
        return Result(0, out="".join(f"{path}\n" for path in sorted(self._below(words[0]))[:1]))

    def _below(self, path: str) -> list[str]:
        return [name for name in self.host.files if name.startswith(f"{path}/")]

    def _taken(self, path: str) -> dict[str, Entry]:
        return {name: self.host.files.pop(name) for name in self._below(path)}
