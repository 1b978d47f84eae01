"""The bridge that hosts sit on. There is one on a machine, and it says whose it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.host import commands
from lab.host.errors import LabError
from lab.host.processes import wait_until

HOST_NAME = re.compile(r"[a-z][a-z-]{0,9}?([1-9][0-9]{0,2})")
LAST_HOST = 253
_ALIAS_LIMIT = 255
_INTERFACE_S = 30
PORT = "vb-"  # systemd-nspawn's name for a machine's end at the bridge starts so


@dataclass(frozen=True)
class Network:
    """A bridge of this machine with the addresses ``<prefix>.1`` (this machine) to ``<prefix>.254``."""

    bridge: str = "codeb-lab0"
    prefix: str = "10.77.0"

    @property
    def gateway(self) -> str:
        """This machine's address on the bridge."""
        return f"{self.prefix}.1"

    def address(self, name: str) -> str:
        """Address of a host: ``codeb1`` has 2, ``codeb2`` has 3, …

        Raises LabError for a name without a number, or too long for a network interface.
        """
        match = HOST_NAME.fullmatch(name)
        if not match or len(name) > 11 or int(match[1]) > LAST_HOST:
            raise LabError(
                f"{name!r} is no name for a lab host",
                f"use up to 11 small letters and a number, codeb1 to codeb{LAST_HOST}",
            )
        return f"{self.prefix}.{int(match[1]) + 1}"

    @property
    def _alias(self) -> Path:
        return Path("/sys/class/net") / self.bridge / "ifalias"

    def holder(self) -> str | None:
        """The lab folder that the bridge belongs to; None when there is no bridge."""
        return self._alias.read_text().strip() if self._alias.exists() else None

    def ensure(self, lab: Path) -> None:
        """Make the bridge exist, up, addressed and ours.

        Raises LabError when another clone's lab, or another interface of this machine, has it.
        """
        holder = self.holder()
        if holder is None:
            check_free(self.prefix, json.loads(commands.output(["ip", "-json", "address"])))
            if len(str(lab)) > _ALIAS_LIMIT:
                raise LabError(f"the path {lab} is too long", "clone into a folder with a shorter path")
            commands.output(
                ["ip", "link", "add", self.bridge, "type", "bridge"], remedy="load the kernel module `bridge`"
            )
            commands.output(["ip", "link", "set", "dev", self.bridge, "alias", str(lab)])
        elif holder not in ("", str(lab)):
            raise LabError(
                f"{holder} has the bridge {self.bridge} ({self.gateway}); a machine runs one lab at a time",
                f"run `make lab-down` in {Path(holder).parent}; if it is gone `ip link delete {self.bridge}`",
            )
        commands.output(["ip", "link", "set", "dev", self.bridge, "alias", str(lab)])
        commands.output(["ip", "address", "replace", f"{self.gateway}/24", "dev", self.bridge])
        commands.output(["ip", "link", "set", "dev", self.bridge, "up"])

    def attach(self, name: str) -> None:
        """Put a running host's interface back on the bridge, if the bridge was made anew meanwhile.

        A machine that has just been started makes its interface itself, a little later. Raises LabError when it does not.
        """
        interface = f"{PORT}{name}"
        wait_until(Path("/sys/class/net", interface).exists, _INTERFACE_S)
        if not Path("/sys/class/net", interface, "master").exists():
            commands.output(["ip", "link", "set", "dev", interface, "master", self.bridge, "up"])

    def unplug(self, name: str) -> None:
        """Take away the interface of a machine that is off: connections that nobody ended may keep it for minutes.

        One on another bridge is of another lab's machine, which took the name meanwhile.
        """
        interface = Path("/sys/class/net", f"{PORT}{name}")
        master = interface / "master"
        if master.exists() and master.resolve().name != self.bridge:
            return
        try:
            if interface.exists():
                commands.output(["ip", "link", "delete", interface.name])
        except LabError:  # it went by itself meanwhile
            if interface.exists():
                raise

    def remove(self, lab: Path) -> None:
        """Remove the bridge if it is ours."""
        if self.holder() == str(lab):
            commands.output(["ip", "link", "delete", self.bridge])


def machines_here() -> set[str]:
    """Machines of any lab that run here: their names are taken, as interfaces of this machine carry them."""
    return {path.name.removeprefix(PORT) for path in Path("/sys/class/net").glob(f"{PORT}*")}


def check_free(prefix: str, interfaces: list[dict[str, Any]]) -> None:
    """Raise LabError when an interface (of ``ip -json address``) has an address of the lab's network."""
    for interface in interfaces:
        for address in interface["addr_info"]:
            if str(address["local"]).startswith(f"{prefix}."):
                raise LabError(
                    f"{interface['ifname']} has {address['local']}, and the lab needs {prefix}.0/24",
                    f"take that address from {interface['ifname']} while the lab runs",
                )
