"""A server of the simulated cloud: a lab host that cloud-init makes what the user data says, with devices plugged in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.host import commands, nspawn
from lab.host.cache import write_atomically
from lab.host.machine import Host
from lab.host.processes import wait_until
from lab.vultr.machines.networks import cut_off
from lab.vultr.ports import MachineError

INIT_PATIENCE_S = 20.0
_UNNAMED = "vultr"  # until cloud-init has read the seed
_SEED = "var/lib/cloud/seed/nocloud"
_PLUG = ("/usr/bin/python3", "-IS", "/usr/local/lib/lab-plug.py")


@dataclass(frozen=True)
class Server(Host):
    """A host whose address the cloud chose, and whose keys nobody but its user data brings."""

    main: str
    shares: Path

    @property
    def address(self) -> str:
        """Its public address."""
        return self.main

    @property
    def _plugged(self) -> Path:
        return self.folder / "plugged"

    def seed(self, instance: str, hostname: str, user_data: str, ssh_keys: list[str]) -> None:
        """What cloud-init finds at the first boot. The root must be mounted and the server off."""
        seed = self.root / _SEED
        if (seed / "user-data").exists():
            return
        self.furnish(_UNNAMED)
        seed.mkdir(parents=True, exist_ok=True, mode=0o700)
        about = {"instance-id": instance, "local-hostname": hostname, "public-keys": ssh_keys}
        write_atomically(seed / "meta-data", json.dumps(about), mode=0o600)
        write_atomically(seed / "user-data", user_data or "#cloud-config\n{}\n", mode=0o600)

    def power_on(self, devices: Mapping[str, Any], networks: list[str]) -> None:
        """Start it; returns when its process 1 runs. Raises MachineError when that doesn't come."""
        self.folders.images.mkdir(parents=True, exist_ok=True)
        self._note(devices, networks)
        self.network.unplug(self.name)
        self.supervised.start(self._line(networks), nspawn.environment())
        if not wait_until(lambda: self.systemd() is not None, INIT_PATIENCE_S):
            log = self.supervised.log
            raise MachineError(f"{self.name} does not boot; end of {log}:\n{commands.tail(log)}")

    def systemd(self) -> int | None:
        """Pid, on this machine, of the server's process 1; None while it is being prepared, or when it is off."""
        pid = self.init()
        try:
            return pid if pid and Path(f"/proc/{pid}/comm").read_text().strip() == "systemd" else None
        except (FileNotFoundError, ProcessLookupError):
            return None

    def plug(self, devices: Mapping[str, Any], networks: list[str]) -> None:
        """Devices as listed from now on: at once where the server runs, and at each boot."""
        self._note(devices, networks)
        if self.systemd() is None:
            return
        done = self.run(_PLUG)
        if done.returncode != 0:
            raise MachineError(f"{self.name}: {done.stderr.decode(errors='replace').strip()}")

    def power_cut(self) -> None:
        """Kill every process at once, as when the power fails."""
        cut_off(self.supervised)
        super().power_cut()

    def wait(self) -> None:
        """Wait until systemd has started everything; who may log in is not this machine's business."""
        self.wait_started()

    def _note(self, devices: Mapping[str, Any], networks: list[str]) -> None:
        self._plugged.mkdir(parents=True, exist_ok=True)
        write_atomically(self._plugged / "devices.json", json.dumps(devices, indent=1))
        self.supervised.note(self._line(networks), nspawn.environment())

    def _line(self, networks: list[str]) -> list[str]:
        return self.line({self._plugged: "/run/lab", self.shares: "/run/lab-shares"}, networks)
