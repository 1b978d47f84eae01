"""Machines of the cloud itself: one program with interfaces of its own, in a root that is thrown away afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.host import nspawn
from lab.host.network import Network
from lab.host.processes import Supervised
from lab.vultr.machines.networks import cut_off, private_interface
from lab.vultr.machines.roots import TEMPLATES

BRIDGE_INTERFACE = "host0"  # named by systemd-nspawn
PATIENCE_S = 10.0
_START = "/run/appliance.sh"


def addresses(main: str, private: str | None, interface: str | None) -> list[tuple[str, str]]:
    """Those of a machine that is on the bridge and maybe, by its end of ``interface``, in a private network."""
    found = [(f"{main}/24", BRIDGE_INTERFACE)]
    return [*found, (private, private_interface(interface))] if private and interface else found


@dataclass(frozen=True)
class Appliance:
    """One of them; its files, log and pids are in ``folder``. ``addresses`` are (address/mask, interface inside)."""

    name: str
    folder: Path
    network: Network
    addresses: Sequence[tuple[str, str]]
    networks: Sequence[str] = ()
    binds: Mapping[Path, str] = field(default_factory=dict)

    @property
    def supervised(self) -> Supervised:
        """Its processes; they outlive the run."""
        return Supervised(self.folder)

    def start(self, root: Path, argv: Sequence[str], programs: Mapping[Path, str] | None = None) -> None:
        """Start it; ``programs`` are what it has to read besides its root. Raises LabError when it ends at once."""
        words = [str(len(self.addresses)), *(word for pair in self.addresses for word in pair)]
        line = nspawn.command(
            root,
            ["/bin/sh", _START, *words, *argv],
            machine=self.name,
            bridge=self.network.bridge,
            networks=self.networks,
            binds=self.binds,
            read_only_binds={**(programs or {}), TEMPLATES / "appliance.sh": _START},
        )
        self.network.unplug(self.name)
        self.supervised.start(line, nspawn.environment())

    def stop(self) -> None:
        """End it."""
        cut_off(self.supervised)
        self.supervised.kill()
        self.network.unplug(self.name)
