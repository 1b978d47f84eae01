"""A data server without containers: systemd with one unit, PostgreSQL's, and images that are folders of real programs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.host import paths
from agent.host.ports import Argv, Entry, Ports, Result
from agent.real import ports as real_ports
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images.payloads import Payloads
from tests.archive import host as archive
from tests.archive.host import _AS_POSTGRES, Containers, Journal
from tests.archive.shelf import Shelf

BELOW = (*archive.BELOW, "/etc/containers", "/etc/systemd")
OLD, NEW = "docker.io/library/postgres:16-alpine", "docker.io/library/postgres:17-alpine"
IDS = {OLD: "6" * 64, NEW: "7" * 64}
_INSIDE = {
    "/etc/postgresql": "/etc/codeb/postgres",
    "/run/secrets/postgres.key": "/etc/codeb/secrets/postgres.key",
}
_END_S = 60
RECEIVER, SHIP = "codeb-wal.service", "codeb-ship.service"


def _named(image: str) -> str:
    """An image by its name, its id, or its digest."""
    ids = {image_id: name for name, image_id in IDS.items()}
    return ids.get(image.rpartition("@sha256:")[2], image)


def binaries(folder: Path) -> dict[str, Path]:
    """Image → folder of its programs, where the user postgres may run them."""
    payloads = Payloads(Folders.here(), Progress(lambda line: None))
    found = {}
    for major, image in ((16, OLD), (17, NEW)):
        home = payloads.postgres_binaries(major)
        top = home.parents[2]
        shutil.copytree(top, folder / str(major), symlinks=True)
        found[image] = folder / str(major) / home.relative_to(top)
    return found


@dataclass
class Machine(Containers):
    """`programs` by image. `port` is where PostgreSQL listens; `broken` are images that don't come up as the service."""

    programs: dict[str, Path] = field(default_factory=dict)
    port: int = 0
    broken: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)
    """What runs: container → image."""

    def below(self, word: str) -> str:
        for inside, outside in _INSIDE.items():
            word = word.replace(inside, outside)
        for place in BELOW:
            word = word.replace(place, f"{self.root}{place}")
        return word

    def translated(self, argv: Argv) -> list[str]:
        words = list(argv)
        if words[:2] == ["podman", "exec"]:
            name, rest = words[3], [self.below(word) for word in words[4:]]
            program = 2 if rest[0] == "env" else 0
            return [
                *_AS_POSTGRES,
                *rest[1:program],
                str(self._of(self.images[name]) / rest[program]),
                *rest[program + 1 :],
            ]
        return super().translated(argv)

    def _run(self, words: Sequence[str]) -> list[str]:
        """The program of the image that is named, by name or id."""
        image = next(word for word in words if not word.startswith("--"))
        made = super()._run(words)
        place = next(n for n, word in enumerate(made) if word.startswith("/usr/lib/postgresql/"))
        made[place] = str(self._of(image) / Path(made[place]).name)
        return made

    def _of(self, image: str) -> Path:
        return self.programs[_named(image)]

    def handled(self, argv: Argv) -> Result | None:
        words = list(argv)
        if words[:3] == ["podman", "image", "exists"]:
            return Result(0 if _named(words[3]) in self.programs else 1)
        if words[:2] == ["podman", "pull"]:
            return Result(125, err=f"Error: initializing source docker://{words[-1]}: manifest unknown")
        if words[:3] == ["podman", "run", "--detach"]:
            name = next(word.removeprefix("--name=") for word in words if word.startswith("--name="))
            self.images[name] = next(word for word in words[3:] if not word.startswith("--"))
        if words[:2] == ["podman", "stop"]:
            self._stop(words[-1])
            return Result(0)
        if words[:3] == ["podman", "healthcheck", "run"]:
            return Result(0 if self._ready() else 1)
        if words[:3] == ["podman", "container", "inspect"] and words[-1] == "postgres":
            if not self._alive("postgres.service"):
                return Result(125, err="no such container")
            image_id = IDS[self.images["postgres.service"]]
            return Result(0, f"{image_id} sha256:{image_id[::-1]}\n")
        if words[0] == "df":
            return super().handled(words) or Result(0, f"Avail\n{self.free}\n")
        return super().handled(words)

    free: int = 100 << 30

    def _ready(self) -> bool:
        if not self._alive("postgres.service"):
            return False
        ready = [str(self.programs[NEW] / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _systemctl(self, words: Sequence[str]) -> Result:
        verb, unit = words[0], words[-1]
        if verb == "start" and unit == "postgres.service":
            return self.start()
        if verb == "start" and unit == RECEIVER:
            self._receive()
            return Result(0)
        if unit == SHIP and verb != "show":
            self.started.append(unit) if verb == "start" else self._stop(RECEIVER)  # a part of it
            return Result(0)
        if unit == SHIP:
            state = "active" if self._alive(RECEIVER) else "inactive"
            return Result(0, f"ActiveState={state}\nLoadState=loaded\n")
        return super()._systemctl(words)

    def _receive(self) -> None:
        """The receiver as its unit says, of the version that serves."""
        name, *arguments = self.below(self.receiver).split()
        secrets = f"{self.root}/etc/codeb/secrets"
        environment = [f"PGPASSFILE={secrets}/postgres-archive", f"PGSSLROOTCERT={self.root}{paths.CA_FILE}"]
        line = [*_AS_POSTGRES, *environment, "PGSSLMODE=verify-full"]
        program = self._of(self.images["postgres.service"]) / name
        self.prepared()
        self._start(RECEIVER, [*line, str(program), *arguments])

    def start(self) -> Result:
        """PostgreSQL as its unit file says."""
        if self._alive("postgres.service"):
            return Result(0)
        unit = (self.root / "etc/containers/systemd/postgres.container").read_text()
        found = re.search(r"^Image=(.+)$", unit, re.MULTILINE)
        assert found
        image = self.images["postgres.service"] = found[1]
        if image in self.broken:
            return Result(1, err="Job for postgres.service failed.")
        conf = self.root / "etc/codeb/postgres/postgresql.conf"
        data = self.root / "srv/codeb/postgres"
        line = [
            *_AS_POSTGRES,
            str(self.programs[image] / "postgres"),
            "-D",
            str(data),
            "-c",
            f"config_file={conf}",
        ]
        options = ("-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        self._start("postgres.service", [*line, *options])
        return Result(0)

    def _stop(self, name: str) -> None:
        process = self.running.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Files(archive.Files):
    """With the folders of units, and moves."""

    def _at(self, path: str) -> str:
        return f"{self._root}{path}" if path.startswith(BELOW) else path

    def move(self, path: str, target: str) -> None:
        super().move(self._at(path), self._at(target))

    def owned(self, path: str, owner: str) -> bool:
        return True

    def entry(self, path: str) -> Entry | None:
        return super().entry(path)


class Waiting:
    """Whoever asked waits for the answer, unless `left` says otherwise."""

    def __init__(self) -> None:
        self.left = ""

    def watch(self) -> None:
        pass

    def gone(self) -> str:
        return self.left

    def key(self) -> str:
        return ""


@dataclass(frozen=True)
class Host:
    """Everything that an upgrade touches."""

    ports: Ports
    machine: Machine
    journal: Journal
    shelf: Shelf


def host(root: Path, programs: dict[str, Path], port: int) -> Host:
    """A host whose files are below a folder."""
    machine, journal, real, shelf = Machine(root), Journal(), real_ports(), Shelf()
    machine.programs, machine.port = dict(programs), port
    runner, pipes = archive.Runner(machine), archive.Pipes(machine)
    ports = Ports(runner, Files(root), real.clock, real.http, real.redis, journal, Waiting(), pipes, shelf)
    return Host(ports, machine, journal, shelf)


def able() -> str:
    """What is missing here, "" for nothing."""
    missing = [name for name in ("age", "zstd") if shutil.which(name) is None]
    return ", ".join([*missing, *([] if os.geteuid() == 0 else ["root"])])
