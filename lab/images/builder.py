"""Podman in a throw-away, not booted copy of the hosts' root: what builds and pushes images."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands, machine, nspawn, rootfs
from lab.host.cache import digest_of, locked, remove
from lab.host.paths import Folders
from lab.host.progress import Progress

TEMPLATES = Path(__file__).with_name("templates")
WORK = "/lab"  # the builder's view of its scratch folder
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Builder:
    """Runs podman. One at a time writes to a store; others, in other clones too, wait."""

    folders: Folders
    progress: Progress

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder that the builder sees as :data:`WORK`, gone afterwards."""
        self.folders.builder.mkdir(parents=True, exist_ok=True)
        for left in self.folders.builder.iterdir():
            if not Path("/proc", left.name.partition("-")[0]).exists():
                remove(left)  # by a run that was killed
        with tempfile.TemporaryDirectory(dir=self.folders.builder, prefix=f"{os.getpid()}-") as path:
            yield Path(path)

    def images(self, argv: Sequence[str], scratch: Path) -> None:
        """Podman on the store that all hosts mount read-only."""
        binds = {self.folders.images: "/var/lib/lab-images"}
        self._podman(argv, scratch, "store-images.conf", binds, {})

    def apps(self, argv: Sequence[str], scratch: Path) -> None:
        """Podman on this clone's store of app images, which sees the lab's images, too."""
        binds = {self.folders.apps: "/var/lib/lab-apps"}
        self._podman(argv, scratch, "store-apps.conf", binds, {self.folders.images: "/var/lib/lab-images"})

    def _podman(
        self,
        argv: Sequence[str],
        scratch: Path,
        storage: str,
        writable: dict[Path, str],
        shown: dict[Path, str],
    ) -> None:
        root = rootfs.rootfs(self.folders, self.progress)
        temporary = scratch / "tmp"
        for folder in (temporary, *writable):
            folder.mkdir(parents=True, exist_ok=True)
        if CERTIFICATES.exists():  # the machine's own, in case its mirror is behind a private authority
            shown = {**shown, CERTIFICATES: str(CERTIFICATES)}
        limits = scratch / "99-lab.conf"
        limits.write_text(machine.containers_conf())
        line = nspawn.command(
            root,
            ["podman", "--cgroup-manager=cgroupfs", "--events-backend=file", *argv],
            machine=f"codeb-{digest_of(scratch.name)}",
            all_capabilities=True,
            binds={**writable, scratch: WORK, temporary: "/var/tmp"},  # noqa: S108 inside the builder
            read_only_binds={
                **shown,
                TEMPLATES / storage: "/etc/containers/storage.conf",
                limits: "/etc/containers/containers.conf.d/99-lab.conf",
            },
        )
        (store,) = writable
        with locked(store.with_name(f"{store.name}.lock"), self.progress):
            log = self.folders.logs / "images.log"
            commands.build(line, log, env=nspawn.environment(), what=f"podman {argv[0]}")
