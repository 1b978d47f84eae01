"""The two root file systems: the base of every image, and the Debian 13 that hosts boot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from lab.host import commands, nspawn
from lab.host.cache import cached, digest_of, remove
from lab.host.paths import Folders
from lab.host.progress import Progress

SUITE = "trixie"
MIRROR_VARIABLE = "CODEB_LAB_DEBIAN_MIRROR"
BASE_PACKAGES = ("busybox", "ca-certificates", "curl", "libcap2-bin")
# A server as a provider hands it over, plus what the platform asks for: hosts have no way to the internet.
HOST_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "less", "procps", "iproute2"),
    *("podman", "netavark", "aardvark-dns", "crun", "uidmap", "passt", "iptables", "nftables"),
    *(
        "python3",
        "python3-systemd",
        "fail2ban",
        "curl",
        "ca-certificates",
        "logrotate",
        "cron",
        "zstd",
        "age",
        "bindfs",
    ),
    *("openssl", "iputils-ping", "tzdata", "unattended-upgrades"),
    *("prometheus-node-exporter", "prometheus-postgres-exporter", "prometheus-redis-exporter"),
    "prometheus-process-exporter",
)
# What only a stack with a monitoring server starts; Debian starts it when it is installed.
DISABLED_UNITS = (
    "prometheus-node-exporter.service",
    "prometheus-postgres-exporter.service",
    "prometheus-process-exporter.service",
    "prometheus-redis-exporter.service",
)
# Of no use, or failing, in a machine without devices and without the internet.
MASKED_UNITS = (
    "systemd-udevd.service",
    "systemd-udevd-kernel.socket",
    "systemd-udevd-control.socket",
    "systemd-networkd-wait-online.service",
    "e2scrub_reap.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
)
_DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "force-unsafe-io",
)
_APT_OPTIONS = (
    'APT::Install-Recommends "false"',
    'APT::Sandbox::User "root"',
    'Acquire::Languages "none"',
)
_APT_INSTALL = ("apt-get", "install", "-q", "-y")
TEMPLATES = Path(str(files("lab.host"))) / "templates"


def debian_mirror() -> str | None:
    """Where Debian comes from: the environment's choice, else what this machine's apt uses if it is a Debian.

    None leaves it to mmdebstrap.
    """
    if chosen := os.environ.get(MIRROR_VARIABLE):
        return chosen
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)"]
    return mirror_in(commands.output([*wanted, "Created-By: Packages"]))


def mirror_in(targets: str) -> str | None:
    """First Debian main archive in ``apt-get indextargets`` lines (URI, codename, component, origin)."""
    for line in targets.splitlines():
        words = line.split()
        if words[2:] == ["main", "Debian"] and words[1].isalpha():
            return words[0].rstrip("/")
    return None


def base_place(folders: Folders) -> Path:
    """Where :func:`base` is, or will be; its name says all that it is made from."""
    recipe = digest_of(SUITE, BASE_PACKAGES, _DPKG_OPTIONS, _APT_OPTIONS)
    return folders.cache / f"base-{recipe}.tar"


def base(folders: Folders, progress: Progress) -> Path:
    """Tar archive of a minimal Debian 13: layer one of every image, and what the hosts' root grows from."""

    def make(part: Path) -> None:
        line = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar"]
        line += [f"--include={','.join(BASE_PACKAGES)}"]
        line += [f"--dpkgopt={option}" for option in _DPKG_OPTIONS]
        line += [f"--aptopt={option}" for option in _APT_OPTIONS]
        mirror = debian_mirror()
        room = part.with_name(f"{part.name}.tmp")  # mmdebstrap leaves things there when it is killed
        remove(room)
        room.mkdir()
        line += [SUITE, str(part), *([mirror] if mirror else [])]
        commands.build(line, folders.logs / "base.log", env={"TMPDIR": str(room)}, what="mmdebstrap")
        remove(room)

    return cached(base_place(folders), make, progress, "minimal Debian 13")


def rootfs(folders: Folders, progress: Progress) -> Path:
    """Root of every host, shared and never written to: Debian 13 with systemd, sshd and Podman."""
    archive = base(folders, progress)
    configuration = sorted((path.name, path.read_text()) for path in TEMPLATES.glob("root-*"))
    recipe = digest_of(archive.name, HOST_PACKAGES, MASKED_UNITS, DISABLED_UNITS, configuration)

    def make(part: Path) -> None:
        _grow(part, archive, HOST_PACKAGES, folders.logs / "rootfs.log")
        _configure(part)

    what = "root of the hosts (systemd, sshd, Podman)"
    return cached(folders.cache / f"rootfs-{recipe}", make, progress, what)


def service_root(folders: Folders, progress: Progress, name: str, packages: Sequence[str]) -> Path:
    """Root that one of the lab's own services runs in: the base and these packages."""
    archive = base(folders, progress)

    def make(part: Path) -> None:
        _grow(part, archive, packages, folders.logs / f"{name}-root.log")

    recipe = digest_of(archive.name, packages)
    return cached(folders.cache / f"{name}-{recipe}", make, progress, f"root of the {name}")


def _grow(root: Path, archive: Path, packages: Sequence[str], log: Path) -> None:
    """Unpack the base into ``root`` and install packages there."""
    root.mkdir()
    untar = ["tar", "--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*"]
    commands.build([*untar, f"--file={archive}", f"--directory={root}"], log)
    install(root, packages, log)


def install(root: Path, packages: Sequence[str], log: Path) -> None:
    """Install packages in a root that nobody uses yet, without starting any of their services."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for argv in (["apt-get", "update", "-q"], [*_APT_INSTALL, *packages]):
        line = nspawn.command(root, argv, machine="codeb-root", keep=True)
        commands.build(line, log, env=nspawn.environment(), what=" ".join(argv[:2]))
    policy.unlink()
    for rubbish in ("var/cache/apt/archives", "var/lib/apt/lists"):
        remove(root / rubbish)


def _configure(root: Path) -> None:
    """What all hosts have in common; what differs is written by :mod:`lab.host.machine`."""
    units = root / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for unit in DISABLED_UNITS:
        (units / "multi-user.target.wants" / unit).unlink()
    put(TEMPLATES / "root-lab-network.service", units / "lab-network.service")
    wants = units / "sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "lab-network.service").symlink_to("../lab-network.service")
    put(TEMPLATES / "root-storage.conf", root / "etc/containers/storage.conf")
    put(TEMPLATES / "root-crun-lab", root / "usr/local/sbin/crun-lab", mode=0o755)
    put(TEMPLATES / "root-crun-lab-limits.py", root / "usr/local/lib/crun-lab-limits.py")
    for folder in (
        "var/lib/lab-images",
        "etc/containers/systemd",
        "etc/containers/containers.conf.d",
        "etc/lab",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")


def put(template: Path, target: Path, mode: int = 0o644) -> None:
    """Copy a file into a root."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, target)
    target.chmod(mode)
