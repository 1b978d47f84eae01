"""Root file systems of servers and balancers; built once, like all in the cache."""

from __future__ import annotations

from pathlib import Path

from lab.host import commands, rootfs
from lab.host.cache import cached, digest_of
from lab.host.paths import Folders
from lab.host.progress import Progress

TEMPLATES = Path(__file__).with_name("templates")
# What a provider's image has on top of the lab's hosts, and bindfs, the lab's virtio-fs.
SERVER_PACKAGES = ("cloud-init", "e2fsprogs", "xfsprogs", "parted", "bindfs")
BALANCER_PACKAGES = ("haproxy",)
CACHE_PACKAGES = ("valkey-server",)
_PLACES = {
    "lab-plug.py": ("usr/local/lib/lab-plug.py", 0o644),
    "lab-plug.service": ("etc/systemd/system/lab-plug.service", 0o644),
    "lab-disk@.path": ("etc/systemd/system/lab-disk@.path", 0o644),
    "lab-disk.service": ("etc/systemd/system/lab-disk.service", 0o644),
    "mount.virtiofs": ("usr/sbin/mount.virtiofs", 0o755),
    "cloud.cfg": ("etc/cloud/cloud.cfg.d/99-lab.cfg", 0o644),
}


def server_root(folders: Folders, progress: Progress) -> Path:
    """Root of every server: that of the lab's hosts, with cloud-init and devices that can be plugged in."""
    lower = rootfs.rootfs(folders, progress)
    recipe = digest_of(lower.name, SERVER_PACKAGES, [(TEMPLATES / name).read_text() for name in _PLACES])

    def make(part: Path) -> None:
        log = folders.logs / "server-root.log"
        commands.build(["cp", "--archive", "--reflink=auto", str(lower), str(part)], log)
        rootfs.install(part, SERVER_PACKAGES, log)
        _configure(part)

    return cached(folders.cache / f"server-{recipe}", make, progress, "root of cloud servers (cloud-init)")


def balancer_root(folders: Folders, progress: Progress) -> Path:
    """Root that balancers run in (HAProxy)."""
    return rootfs.service_root(folders, progress, "balancer", BALANCER_PACKAGES)


def cache_root(folders: Folders, progress: Progress) -> Path:
    """Root that managed caches run in (Valkey)."""
    return rootfs.service_root(folders, progress, "cache", CACHE_PACKAGES)


def _configure(root: Path) -> None:
    for name, (place, mode) in _PLACES.items():
        rootfs.put(TEMPLATES / name, root / place, mode)
    wants = root / "etc/systemd/system/sysinit.target.wants"
    (wants / "lab-network.service").unlink()
    (wants / "lab-plug.service").symlink_to("../lab-plug.service")
    for folder in ("run/lab", "run/lab-shares"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
