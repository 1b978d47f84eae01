"""Private networks: each is an interface of this machine that servers get interfaces on; only these see each other."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.processes import Supervised, children

_STEM = "cv"


def private_interface(network: str) -> str:
    """What systemd-nspawn calls a machine's end of an interface of this machine."""
    return f"mv-{network}"


def cut_off(supervised: Supervised) -> None:
    """Take the private interfaces of a machine away before it is killed: they would answer for minutes after its death."""
    command = supervised.process("command")
    for spawn in children(command.pid) if command else []:
        for init in children(spawn):
            for name in _links(init):
                if name.startswith(private_interface("")):
                    subprocess.run(
                        [*_within(init), "ip", "link", "delete", name], check=False, capture_output=True
                    )


@dataclass(frozen=True)
class PrivateNetworks:
    """Those of one lab, whose folder is their alias: it tells whose an interface is."""

    folder: Path

    def ensure(self, interface: str) -> None:
        """Make it exist and be up."""
        if not _exists(interface):
            commands.output(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface}p"])
        for name in (interface, f"{interface}p"):
            commands.output(["ip", "link", "set", "dev", name, "alias", str(self.folder), "up"])
        note = _udev_note(interface)
        if not note.exists():  # no udevd on this machine: systemd-nspawn takes only what one has seen
            write_atomically(note, "I:1\n")

    def free_name(self, taken: set[str]) -> str:
        """A name that no interface of this machine and no note has."""
        names = (f"{_STEM}{number}" for number in range(1, 1000))
        return next(name for name in names if name not in taken and not _exists(name))

    def plug(self, interface: str, init: int) -> None:
        """Give a running machine, by its process 1, an interface on the network."""
        inside = private_interface(interface)
        if inside in _links(init):
            return
        commands.output(
            [
                *("ip", "link", "add", "link", interface, "name", inside, "netns", str(init)),
                *("type", "macvlan", "mode", "bridge"),
            ]
        )

    def unplug(self, interface: str, init: int) -> None:
        """Take it away again."""
        inside = private_interface(interface)
        if inside in _links(init):
            commands.output([*_within(init), "ip", "link", "delete", inside])

    def remove(self, interface: str) -> None:
        """The end of a network."""
        if _exists(interface):
            _udev_note(interface).unlink(missing_ok=True)
            commands.output(["ip", "link", "delete", interface])

    def mine(self) -> list[str]:
        """Those that are there, noted or not."""
        links = json.loads(commands.output(["ip", "-json", "link"]))
        names = [str(link["ifname"]) for link in links if link.get("ifalias") == str(self.folder)]
        return [name for name in names if name.startswith(_STEM) and not name.endswith("p")]


def _exists(interface: str) -> bool:
    return Path("/sys/class/net", interface).exists()


def _udev_note(interface: str) -> Path:
    return Path("/run/udev/data", f"n{Path('/sys/class/net', interface, 'ifindex').read_text().strip()}")


def _within(init: int) -> list[str]:
    return ["nsenter", f"--target={init}", "--net", "--"]


def _links(init: int) -> set[str]:
    found = subprocess.run([*_within(init), "ip", "-json", "link"], capture_output=True, check=False)
    return {str(link["ifname"]) for link in json.loads(found.stdout or "[]")}
