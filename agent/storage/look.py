"""What is on block devices and where they are mounted: questions to util-linux and e2fsprogs, answers as values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.storage import programs

QUICK_S: Final = 10
"""How long a file system may take for a question that needs no disk: one that hangs must not hold up anybody."""
_SLOW_S: Final = 60
_OUT_OF_TIME: Final = 124


@dataclass(frozen=True)
class Block:
    """A block device: `number` as the kernel has it (`8:16`), `size` in bytes."""

    number: str
    size: int


@dataclass(frozen=True)
class Signature:
    """What a program left on a device; `kind` in wipefs's words (`ext4`, `crypto_LUKS`, `LVM2_member`, `gpt`)."""

    kind: str
    label: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.label})" if self.label else self.kind


@dataclass(frozen=True)
class Header:
    """What an ext4 says of itself; `size` in bytes."""

    uuid: str
    size: int
    ever_mounted: bool


@dataclass(frozen=True)
class Mount:
    """What is mounted at a path."""

    number: str
    read_only: bool


def block(ports: Ports, device: str) -> Block | None:
    """A block device, None when it isn't there."""
    result = ports.runner.run(programs.block_device(device))
    words = result.out.split()
    return Block(words[0], int(words[1])) if result.ok and len(words) == 2 else None


def signatures(ports: Ports, device: str) -> tuple[Signature, ...]:
    """Everything known that is on a device. Raises Failed when it can't be read."""
    result = ports.runner.run(programs.signatures(device), timeout_s=_SLOW_S)
    try:
        rows = json.loads(result.out or '{"signatures": []}')["signatures"] if result.ok else None
    except (ValueError, KeyError, TypeError):
        rows = None
    if rows is None:
        raise Failed(
            "storage",
            f"{device} can't be read: {result.text[-200:] or 'wipefs gave no answer'}",
            f"`dmesg` tells of errors of the device; see that it is attached to this server, then run again ({device})",
        )
    return tuple(Signature(str(row["type"]), str(row.get("label") or "")) for row in rows)


def header(ports: Ports, device: str) -> Header | None:
    """The ext4 of a device, None when it can't be read."""
    result = ports.runner.run(programs.ext4_header(device), timeout_s=_SLOW_S)
    found = dict(re.findall(r"^([^:\n]+):[ \t]+(.+?)[ \t]*$", result.out, re.MULTILINE))
    try:
        size = int(found["Block count"]) * int(found["Block size"])
        return Header(found["Filesystem UUID"], size, found["Last mount time"] != "n/a")
    except (KeyError, ValueError):
        return None


def mount(ports: Ports, path: str) -> Mount | None:
    """What is mounted at a path, None when nothing is. Raises Failed when that isn't told in time."""
    result = ports.runner.run(programs.mounted_at(path), timeout_s=QUICK_S)
    if result.code == _OUT_OF_TIME:
        remedy = f"see `grep {path} /proc/self/mountinfo` and the server's load, then run again"
        raise Failed("storage", f"nobody says within {QUICK_S} s what is mounted at {path}", remedy)
    lines = result.out.splitlines()
    if not result.ok or not lines:
        return None
    number, _, options = lines[-1].partition(" ")
    return Mount(number, "ro" in options.split(","))


def room(ports: Ports, path: str) -> tuple[int, int] | None:
    """Size and free bytes of what is mounted at a path; None when it doesn't tell."""
    words = ports.runner.run(programs.room_at(path), timeout_s=QUICK_S).out.split()
    return (int(words[-2]), int(words[-1])) if len(words) >= 2 else None


def a_file(ports: Ports, path: str) -> str:
    """One of the files below a folder, on its own file system; "" when it holds none. Raises Failed."""
    result = ports.runner.run(programs.first_file(path), timeout_s=_SLOW_S)
    if not result.ok and not result.out:
        raise Failed(
            "storage", f"{path} can't be read: {result.text[-200:]}", f"see `ls {path}`, then run again"
        )
    return result.out.strip().partition("\n")[0]
