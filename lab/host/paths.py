"""Where the lab keeps things: everything below ``.lab/`` of the clone, downloads and builds in the cache."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE_VARIABLE = "CODEB_LAB_CACHE"


@dataclass(frozen=True)
class Folders:
    """The lab's folders. ``lab`` belongs to one clone; ``cache`` may be shared by several."""

    lab: Path
    cache: Path

    @classmethod
    def here(cls) -> Folders:
        """Folders of this clone, with the cache that the environment names."""
        lab = (REPOSITORY / ".lab").resolve()
        return cls(lab=lab, cache=Path(os.environ.get(CACHE_VARIABLE) or lab / "cache").resolve())

    @property
    def hosts(self) -> Path:
        """One folder a host: its own files over the shared root, its containers, its console log."""
        return self.lab / "hosts"

    @property
    def ssh(self) -> Path:
        """The lab's SSH key, the hosts' keys and the pinned known_hosts."""
        return self.lab / "ssh"

    @property
    def registry(self) -> Path:
        """Storage and log of the app-image registry."""
        return self.lab / "registry"

    @property
    def apps(self) -> Path:
        """Podman store in which app images are built before they are pushed."""
        return self.lab / "apps"

    @property
    def builder(self) -> Path:
        """Scratch folders of image builds."""
        return self.lab / "builder"

    @property
    def snapshots(self) -> Path:
        """Copies of hosts' files, ``<host>/<label>``."""
        return self.lab / "snapshots"

    @property
    def logs(self) -> Path:
        """Output of downloads and builds, one file a step."""
        return self.lab / "logs"

    @property
    def lock(self) -> Path:
        """Held while hosts of this clone are started, stopped or copied."""
        return self.lab / "lab.lock"

    @property
    def images(self) -> Path:
        """Podman image store that every host mounts read-only."""
        return self.cache / "images"

    def mine(self) -> tuple[Path, ...]:
        """What :meth:`lab.host.lab.Lab.clean` removes; the cache is decided on separately."""
        hosts = (self.hosts, self.snapshots, self.ssh)
        return (*hosts, self.registry, self.apps, self.lab / "apps.lock", self.builder, self.logs, self.lock)
