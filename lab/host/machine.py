"""One lab host: its files over the shared root, its boot, its end."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from lab.host import commands, keys, nspawn
from lab.host.cache import remove, write_atomically
from lab.host.errors import LabError
from lab.host.network import Network
from lab.host.paths import Folders
from lab.host.processes import Supervised, children, wait_until
from lab.host.rootfs import TEMPLATES

BOOT_PATIENCE_S = 60.0
LOGIN_PATIENCE_S = 15.0
STOP_PATIENCE_S = 60.0
REGISTRY_HOST = "registry.lab.test"
_ENVIRONMENT = (
    "HOME=/root",
    "TERM=dumb",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)


@dataclass(frozen=True)
class Host:
    """A host by its name; nothing is read or done before a method is called."""

    name: str
    folders: Folders
    network: Network

    @property
    def folder(self) -> Path:
        """Everything of this host."""
        return self.folders.hosts / self.name

    @property
    def root(self) -> Path:
        """The host's file system as seen from this machine, while it is mounted."""
        return self.folder / "root"

    @property
    def address(self) -> str:
        """Its address on the bridge."""
        return self.network.address(self.name)

    @property
    def supervised(self) -> Supervised:
        """The processes that keep it running."""
        return Supervised(self.folder)

    def mount(self, lower: Path) -> None:
        """Mount the host's root. A host stays on the root that it was created on.

        Raises LabError when that root is no longer in the cache.
        """
        birth = self.folder / "birth.json"
        if not birth.exists():
            write_atomically(birth, json.dumps({"rootfs": lower.name}))
        lower = lower.with_name(json.loads(birth.read_text())["rootfs"])
        if not lower.is_dir():
            raise LabError(
                f"{self.name} grew on {lower}, which is gone",
                "run `make lab-clean`: hosts are made anew, data is lost",
            )
        for part in ("upper", "work", "root", "containers"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        if not os.path.ismount(self.root):
            options = f"lowerdir={lower},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
            commands.output(
                ["mount", "-t", "overlay", f"codeb-{self.name}", "-o", options, str(self.root)],
                remedy="overlayfs needs a kernel that knows it and a plain disk below .lab and the cache",
            )

    def configure(self) -> None:
        """Write what makes this host itself: name, address, keys, limits. It must be mounted and off."""
        self.furnish(self.name)
        etc = self.root / "etc"
        write_atomically(etc / "lab/network.env", f"LAB_ADDRESS={self.address}\n")
        key = keys.host_key(self.folders, self.name)
        write_atomically(etc / "ssh/ssh_host_ed25519_key", key.read_text(), mode=0o600)
        write_atomically(etc / "ssh/ssh_host_ed25519_key.pub", f"{keys.public(key)}\n")
        (self.root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        authorized = keys.public(keys.client_key(self.folders))
        write_atomically(self.root / "root/.ssh/authorized_keys", f"{authorized} codeb-lab\n", mode=0o600)

    def furnish(self, hostname: str) -> None:
        """Write what every host of the lab needs, whoever may log in: names, and the lab's limits."""
        etc = self.root / "etc"
        write_atomically(etc / "hostname", f"{hostname}\n")
        write_atomically(etc / "machine-id", f"{self._machine_id}\n")
        write_atomically(
            etc / "hosts",
            "127.0.0.1 localhost\n::1 localhost\n"
            f"{self.address} {hostname}\n{self.network.gateway} {REGISTRY_HOST}\n",
        )
        # Nobody listens there: look-ups of names outside the lab are refused at once.
        write_atomically(
            etc / "resolv.conf", f"nameserver {self.network.gateway}\noptions timeout:1 attempts:1\n"
        )
        write_atomically(etc / "containers/containers.conf.d/99-lab.conf", containers_conf())

    @property
    def _machine_id(self) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, str(self.folder)).hex

    def boot(self) -> None:
        """Start the host; :meth:`wait` tells when it is up. It must be mounted and configured."""
        self.folders.images.mkdir(parents=True, exist_ok=True)
        self.network.unplug(self.name)
        self.supervised.start(self.line(), nspawn.environment())

    def line(self, binds: Mapping[Path, str] | None = None, networks: Sequence[str] = ()) -> list[str]:
        """The command that boots it, with more folders of this machine in it and interfaces beside the bridge's."""
        return nspawn.boot(
            self.root,
            machine=self.name,
            uuid=self._machine_id,
            bridge=self.network.bridge,
            binds={self.folder / "containers": "/var/lib/containers", **(binds or {})},
            read_only_binds={self.folders.images: "/var/lib/lab-images"},
            networks=networks,
        )

    def wait(self) -> None:
        """Wait until systemd has started everything and sshd lets us in. Raises LabError after a minute."""
        self.wait_started()

        said = ""

        def settled() -> bool:
            """A refused key stays refused, and each try counts against us."""
            nonlocal said
            said = self._refusal()
            return not said or "Permission denied" in said

        wait_until(settled, LOGIN_PATIENCE_S, pause=1)
        if said:
            raise LabError(
                f"{self.name} is up and does not let this machine in: {said}",
                "`python -m lab console` is a shell there without SSH; `fail2ban-client banned` shows who is shut out, "
                f"`fail2ban-client unban {self.network.gateway}` lifts it",
            )

    def wait_started(self) -> None:
        """Wait until systemd has started everything. Raises LabError after a minute."""
        console = self.supervised.log
        wait_until(lambda: self._started() or not self.supervised.running(), BOOT_PATIENCE_S)
        if not self._started():
            raise LabError(
                f"{self.name} does not come up (state: {self.state()}); end of {console}:\n{commands.tail(console)}",
                "`make lab-down` and `make lab` boot it again; `journalctl -D` on the host's var/log/journal below "
                f"{self.folder / 'upper'} tells what happened inside",
            )

    def _started(self) -> bool:
        return self.state() in ("running", "degraded")

    def _refusal(self) -> str:
        """Why a login by SSH fails, "" when it doesn't. A bare connection to the port would look like an attack."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(keys.known_hosts(self.folders)),
        }
        words = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        line = [
            "ssh",
            "-F",
            "none",
            *words,
            "-i",
            str(keys.client_key(self.folders)),
            f"root@{self.address}",
            "true",
        ]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return (
            "" if done.returncode == 0 else done.stderr.strip() or f"ssh ended with status {done.returncode}"
        )

    def state(self) -> str:
        """What systemd says of the host (``starting``, ``running``, ``degraded``, …), or ``off``."""
        if self.init() is None:
            return "off"
        return self.run(["systemctl", "is-system-running"]).stdout.decode().strip()

    def init(self) -> int | None:
        """Pid, on this machine, of the host's process 1; None when it is off."""
        command = self.supervised.process("command")
        spawns = children(command.pid) if command else []
        born = children(spawns[0]) if spawns else []
        return born[0] if born else None

    def run(self, argv: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in the host. Raises LabError when the host is down."""
        return subprocess.run(self._inside(argv), input=stdin, capture_output=True, check=False)

    def attach(self, argv: Sequence[str]) -> int:
        """The same on the caller's terminal, as a console would; returns the exit status. Raises LabError."""
        return subprocess.call(self._inside(argv))

    def _inside(self, argv: Sequence[str]) -> list[str]:
        init = self.init()
        if init is None:
            raise LabError(f"{self.name} is not running", "boot it with `make lab`")
        enter = [
            "nsenter",
            f"--target={init}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--",
        ]
        return [*enter, "env", "-i", *_ENVIRONMENT, *argv]

    def reboot(self) -> None:
        """Reboot from within and wait until it is up again."""
        before = self.supervised.process("command")
        self.run(["systemctl", "reboot"])
        if not wait_until(lambda: self.supervised.process("command") not in (None, before), BOOT_PATIENCE_S):
            raise LabError(f"{self.name} does not come back from its reboot", f"see {self.supervised.log}")
        self.wait()

    def power_off(self) -> None:
        """Shut down in order; after a minute the plug is pulled. Nothing to do when it is off."""
        if not self.supervised.stop(STOP_PATIENCE_S):
            self.network.unplug(self.name)

    def power_cut(self) -> None:
        """Kill every process of the host at once, as when the power fails."""
        self.supervised.kill()
        self.network.unplug(self.name)

    def unmount(self) -> None:
        """Unmount the root of a host that is off."""
        if os.path.ismount(self.root):
            commands.output(["umount", str(self.root)], remedy=f"end what has files open below {self.root}")

    def snapshot(self, label: str) -> None:
        """Copy the files of a host that is off and unmounted; an older copy of that label is replaced."""
        target = self.folders.snapshots / self.name / label
        part = target.with_name(f"{label}.part")
        remove(part)
        part.mkdir(parents=True)
        for piece in ("upper", "containers", "birth.json"):
            _copy(self.folder / piece, part)
        remove(target)
        part.rename(target)

    def restore(self, label: str) -> None:
        """Put the files of a snapshot in place of those of a host that is off and unmounted.

        Raises LabError when there is no such snapshot.
        """
        source = self.folders.snapshots / self.name / label
        if not source.is_dir():
            raise LabError(f"{self.name} has no snapshot {label!r}", f"see what {source.parent} holds")
        for piece in ("upper", "work", "containers"):
            remove(self.folder / piece)
        for kept in source.iterdir():
            _copy(kept, self.folder)


def _copy(source: Path, folder: Path) -> None:
    """Copy with owners, attributes and the overlay's device nodes, sharing blocks where the disk can."""
    commands.output(["cp", "--archive", "--reflink=auto", "--sparse=auto", str(source), str(folder)])


def containers_conf() -> str:
    """Lab-only settings of Podman: a container gets no higher hard limits than this machine lets us set."""
    hard = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    limits = {name: str(resource.getrlimit(number)[1]) for name, number in hard.items()}
    return Template((TEMPLATES / "host-lab-containers.conf").read_text()).substitute(limits)
