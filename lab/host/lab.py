"""The lab's door: boot, reach, copy and tear down hosts. ``Lab.here()`` is the lab of this clone."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.host import keys, requirements
from lab.host import rootfs as roots
from lab.host.cache import locked, remove
from lab.host.errors import LabError
from lab.host.machine import Host
from lab.host.network import Network
from lab.host.paths import Folders
from lab.host.progress import Progress, background
from lab.images.apps import Apps
from lab.images.payloads import Payloads
from lab.images.registry import Registry
from lab.images.store import IMAGES, Image, Store


@dataclass(frozen=True)
class HostInfo:
    """A host that is up; ``host_key`` is ``ssh-ed25519 AAAA…``, ``root`` its files seen from this machine."""

    name: str
    address: str
    host_key: str
    root: Path


@dataclass(frozen=True)
class HostState:
    """A host that was made; ``state`` is systemd's word (``running``, ``degraded``, …) or ``off``."""

    name: str
    address: str
    state: str


@dataclass(frozen=True)
class Lab:
    """One lab: hosts on a bridge, and the files they live on. Methods are safe to repeat and to interrupt."""

    folders: Folders
    network: Network = field(default_factory=Network)
    progress: Progress = field(default_factory=Progress)

    @classmethod
    def here(cls, progress: Progress | None = None) -> Lab:
        """The lab of this clone."""
        return cls(folders=Folders.here(), progress=progress or Progress())

    def host(self, name: str) -> Host:
        """A host by its name, whether it exists or not. Raises LabError for an impossible name."""
        self.network.address(name)
        return Host(name=name, folders=self.folders, network=self.network)

    def hosts(self) -> list[Host]:
        """The hosts that were made and not yet cleaned away, running or not."""
        return [self.host(path.parent.name) for path in sorted(self.folders.hosts.glob("*/birth.json"))]

    def ensure(self, names: Iterable[str] = ("codeb1",), more: Sequence[Image] = ()) -> list[HostInfo]:
        """Hosts up, the lab's images (and ``more`` of them) there, the registry answering: all that a deployment needs.

        What is already there is left alone. Seconds per step are in ``progress.timings``. Raises LabError.
        """
        requirements.meet(self.folders, self.progress)
        store = Store(self.folders, self.progress)
        payloads = self._payloads()
        built = tuple(image for image in (*IMAGES, *more) if image.is_built)
        builds = background(lambda: [payloads.build(image.name) for image in built])
        downloads = background(payloads.fetch_all)
        hosts = self.ensure_hosts(names)
        downloads.result()
        for image in (image for image in (*IMAGES, *more) if not image.is_built):
            store.ensure(image)
        self.registry().ensure()
        builds.result()
        for image in built:
            store.ensure(image)
        return hosts

    def image(self, image: Image) -> str:
        """A further image in the store that every host mounts, built when it isn't there; its reference."""
        return Store(self.folders, self.progress).ensure(image)

    def _payloads(self) -> Payloads:
        return Payloads(self.folders, self.progress)

    def registry(self) -> Registry:
        """The app-image registry of this lab."""
        return Registry(self.folders, self.network, self.progress)

    def push_app(self, source: Path, name: str, tag: str) -> str:
        """Build an app and push it to the registry: see :meth:`lab.images.apps.Apps.push`."""
        return Apps(self.folders, self.registry(), self.progress).push(source, name, tag)

    def pushed_app(self, source: Path, name: str, tag: str) -> str | None:
        """Digest with which an app was pushed as it is now; None when :meth:`push_app` has something to do."""
        return Apps(self.folders, self.registry(), self.progress).pushed(source, name, tag)

    def moved_tag(self, name: str, tag: str) -> bool:
        """Whether the tag was another image's before: see :meth:`lab.images.apps.Apps.moved`."""
        return Apps(self.folders, self.registry(), self.progress).moved(name, tag)

    def ensure_hosts(self, names: Iterable[str] = ("codeb1",)) -> list[HostInfo]:
        """Boot the hosts that are not running and wait until all are up; their data is kept.

        Raises LabError for everything that stands in the way.
        """
        requirements.meet(self.folders, self.progress)
        lower = roots.rootfs(self.folders, self.progress)
        wanted = [self.host(name) for name in names]
        with locked(self.folders.lock, self.progress):
            self.network.ensure(self.folders.lab)
            known = {host.name: host.address for host in [*self.hosts(), *wanted]}
            keys.pin(self.folders, known)
            for host in wanted:
                self._wake(host, lower)
            for host in wanted:
                host.wait()
        return [self.info(host.name) for host in wanted]

    def _wake(self, host: Host, lower: Path) -> None:
        """Boot a host that is off; see that one that runs is still on the bridge."""
        if host.supervised.running():
            self.network.attach(host.name)
            return
        with self.progress.step(f"boot {host.name}"):
            host.mount(lower)
            host.configure()
            host.boot()
            host.wait()

    def info(self, name: str) -> HostInfo:
        """How to reach a host."""
        host = self.host(name)
        key = keys.public(keys.host_key(self.folders, name))
        return HostInfo(name=name, address=host.address, host_key=key, root=host.root)

    def down(self, names: Iterable[str] | None = None) -> None:
        """Shut hosts down in order, all of them by default; their data is kept."""
        chosen = self.hosts() if names is None else [self.host(name) for name in names]
        with locked(self.folders.lock, self.progress):
            for host in chosen:
                if host.supervised.running():
                    with self.progress.step(f"shut down {host.name}"):
                        host.power_off()
                host.unmount()
            if not any(host.supervised.running() for host in self.hosts()):
                self.registry().stop()
                self.network.remove(self.folders.lab)

    def clean(self, *, keep_cache: bool | None = None) -> None:
        """Remove the hosts, their data, the keys, and the cache.

        The cache stays when ``keep_cache`` says so; by default when it lies outside ``.lab``: other clones
        may use it.
        """
        self.down()
        if keep_cache is None:
            keep_cache = not self.folders.cache.is_relative_to(self.folders.lab)
        with self.progress.step("remove the lab's files"):
            for path in (*self.folders.mine(), *(() if keep_cache else (self.folders.cache,))):
                remove(path)

    def run(
        self, name: str, argv: Sequence[str], stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in a host. Raises LabError when the host is down."""
        return self.host(name).run(argv, stdin)

    def status(self) -> list[HostState]:
        """Each host that was made, running or not."""
        return [HostState(host.name, host.address, host.state()) for host in self.hosts()]

    def shell(self, name: str, argv: Sequence[str] = ()) -> int:
        """SSH into a host on the caller's terminal; a command's words reach it as they are. Returns the status.

        Raises LabError when the host is down.
        """
        host = self.host(name)
        if host.state() == "off":
            raise LabError(f"{name} is not running", "boot it with `make lab`")
        words = list(argv[1:] if argv and argv[0] == "--" else argv)
        options = ["-o", f"UserKnownHostsFile={self.known_hosts_path()}", "-o", "StrictHostKeyChecking=yes"]
        options += ["-o", "IdentitiesOnly=yes"]
        line = ["ssh", *(["-t"] if sys.stdin.isatty() else []), "-i", str(self.ssh_key_path()), *options]
        command = [shlex.join(words)] if words else []
        return subprocess.call([*line, f"root@{host.address}", *command])

    def console(self, name: str, argv: Sequence[str] = ()) -> int:
        """A root shell in a host, or one command, without SSH: what a provider's console is. Returns the status.

        Raises LabError when the host is down.
        """
        words = list(argv[1:] if argv and argv[0] == "--" else argv)
        return self.host(name).attach(words or ["bash", "-l"])

    def reboot(self, name: str) -> None:
        """Reboot a host and wait until it is up again."""
        with self.progress.step(f"reboot {name}"):
            self.host(name).reboot()

    def power_cut(self, name: str) -> None:
        """Kill every process of a host at once; ``ensure_hosts`` boots it again."""
        self.host(name).power_cut()

    def snapshot(self, name: str, label: str) -> None:
        """Copy a host's files and containers under a label. A running host is shut down and booted again."""
        self._stopped(name, f"snapshot {label} of {name}", lambda host: host.snapshot(label))

    def restore(self, name: str, label: str) -> None:
        """Put a snapshot back. Raises LabError when there is none."""
        self._stopped(name, f"restore {label} on {name}", lambda host: host.restore(label))

    def rootfs(self) -> Path:
        """The hosts' root, not to be written to: chroot here to ask their own Quadlet and systemd-analyze."""
        return roots.rootfs(self.folders, self.progress)

    def caddy(self) -> Path:
        """Caddy for this machine, of the version in the image: ``caddy adapt``, ``caddy validate``."""
        return self._payloads().caddy_binary()

    def postgres(self, major: int) -> Path:
        """Folder of PostgreSQL's programs for this machine: see :meth:`lab.images.payloads.Payloads.postgres_binaries`."""
        return self._payloads().postgres_binaries(major)

    def minio(self) -> Path:
        """Folder with ``minio`` and ``mc`` for this machine."""
        return self._payloads().minio_binaries()

    def program(self, name: str) -> Path:
        """A program of monitoring for this machine, built the first time: prometheus, promtool, alertmanager, amtool,
        victorialogs, collector or jaeger.
        """
        return self._payloads().program(name)

    def ssh_key_path(self) -> Path:
        """Private key that root of every host accepts."""
        return keys.client_key(self.folders)

    def known_hosts_path(self) -> Path:
        """The hosts' pinned keys."""
        return keys.known_hosts(self.folders)

    def _stopped(self, name: str, what: str, work: Callable[[Host], None]) -> None:
        host = self.host(name)
        was_running = host.supervised.running()
        with self.progress.step(what), locked(self.folders.lock, self.progress):
            host.power_off()
            host.unmount()
            work(host)
        if was_running:
            self.ensure_hosts([name])
