"""Block storage: sparse files behind loop devices. They outlive the servers that they are plugged into."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands
from lab.vultr.ports import MachineError

GIB = 2**30


@dataclass(frozen=True)
class Disks:
    """The disks of one lab."""

    folder: Path

    def file(self, disk: str) -> Path:
        """Where its bytes are."""
        return self.folder / f"{disk}.img"

    def make(self, disk: str, size_gb: int) -> None:
        """A disk of zeros; one that is there stays as it is."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.file(disk).open("ab") as file:
            file.truncate(max(size_gb * GIB, file.tell()))

    def grow(self, disk: str, size_gb: int) -> None:
        """Bigger, for those who have it mounted too. Raises MachineError when it would shrink."""
        file = self._existing(disk)
        if file.stat().st_size > size_gb * GIB:
            raise MachineError(f"disk {disk} can't shrink to {size_gb} GB")
        os.truncate(file, size_gb * GIB)
        if loop := self._loop(file):
            commands.output(["losetup", "--set-capacity", loop])

    def plug(self, disk: str) -> int:
        """Its device on this machine, as a number (see os.major)."""
        file = self._existing(disk)
        loop = self._loop(file) or commands.output(["losetup", "--find", "--show", str(file)]).strip()
        return os.stat(loop).st_rdev

    def unplug(self, disk: str) -> None:
        """Without a device; what still has it mounted keeps this machine's loop device until it lets go."""
        if loop := self._loop(self.file(disk)):
            commands.output(["losetup", "--detach", loop])

    def drop(self, disk: str) -> None:
        """Gone, with what is on it."""
        self.unplug(disk)
        self.file(disk).unlink(missing_ok=True)

    def all(self) -> list[str]:
        """Those that exist."""
        return [path.stem for path in self.folder.glob("*.img")]

    def _existing(self, disk: str) -> Path:
        file = self.file(disk)
        if not file.is_file():
            raise MachineError(f"no disk {disk}")
        return file

    def _loop(self, file: Path) -> str | None:
        """Its loop device; one that is only kept by a mount that nobody gave back does not count."""
        listed = commands.output(["losetup", "--json", "--list", "--output=NAME,BACK-FILE,AUTOCLEAR"])
        loops = json.loads(listed or '{"loopdevices": []}')["loopdevices"]
        mine = (loop for loop in loops if loop["back-file"] == str(file) and not loop["autoclear"])
        return next((str(loop["name"]) for loop in mine), None)
