"""What the machine must be and have before anything is built."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands
from lab.host.errors import LabError
from lab.host.paths import Folders
from lab.host.progress import Progress

FREE_BYTES = 8 * 2**30
# What we call -> the Debian and Ubuntu package that brings it.
PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "tar": "tar",
    "zstd": "zstd",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Machine:
    """What we looked at on this machine; ``free_bytes`` is None when the cache is filled already."""

    system: str
    architecture: str
    user: int
    has_apt: bool
    free_bytes: int | None

    @classmethod
    def look(cls, folders: Folders) -> Machine:
        """Gather the facts; creates the cache folder to see how much room it has."""
        folders.cache.mkdir(parents=True, exist_ok=True)
        return cls(
            system=platform.system(),
            architecture=platform.machine(),
            user=os.geteuid(),
            has_apt=shutil.which("apt-get") is not None,
            free_bytes=None if folders.images.exists() else shutil.disk_usage(folders.cache).free,
        )


def objections(machine: Machine) -> list[LabError]:
    """Everything that keeps the lab from running on this machine; empty when nothing does."""
    found: list[LabError] = []
    if machine.system != "Linux" or not machine.has_apt:
        found.append(
            LabError(
                f"the lab runs on Debian or Ubuntu, this is {machine.system}",
                "use a Debian or Ubuntu machine",
            )
        )
    if machine.architecture != "x86_64":
        found.append(
            LabError(
                f"the lab's packages are for x86_64, this is {machine.architecture}", "use an x86_64 machine"
            )
        )
    if machine.user != 0:
        found.append(LabError("the lab boots a system and needs root", "run the same command with sudo"))
    if machine.free_bytes is not None and machine.free_bytes < FREE_BYTES:
        found.append(
            LabError(
                f"{machine.free_bytes / 2**30:.1f} GiB free for the cache, {FREE_BYTES / 2**30:.0f} needed",
                "free some space, or name a roomier folder in CODEB_LAB_CACHE",
            )
        )
    return found


def missing_packages() -> list[str]:
    """Packages whose commands (or keyring) this machine lacks, sorted."""
    lacking = {package for command, package in PACKAGES.items() if shutil.which(command) is None}
    if not KEYRING.exists():
        lacking.add("debian-archive-keyring")
    return sorted(lacking)


def meet(folders: Folders, progress: Progress) -> None:
    """Check the machine and install the packages that are missing.

    Raises LabError naming the first thing that is in the way.
    """
    for objection in objections(Machine.look(folders)):
        raise objection
    wanted = missing_packages()
    if not wanted:
        return
    log = folders.logs / "packages.log"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    remedy = f"install these packages by hand: {' '.join(wanted)}"
    with progress.step(f"install {' '.join(wanted)} on this machine"):
        commands.build(["apt-get", "update", "-q"], log, env=environment, remedy=remedy)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *wanted]
        commands.build(install, log, env=environment, remedy=remedy)
