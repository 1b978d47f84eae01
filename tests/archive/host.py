"""A host without containers for the archive: the same token lists, paths below a folder, PostgreSQL's own programs."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import _GeneratorContextManager
from dataclasses import dataclass, field
from pathlib import Path

from agent.host.ports import Argv, Entry, Ports, Result
from agent.real import ports as real_ports
from agent.real.files import RealFiles
from agent.real.pipes import RealPipes, RealSession
from agent.real.runner import RealRunner
from tests.archive.shelf import Shelf
from tests.plugins.processes import end

BELOW = ("/srv/codeb", "/etc/codeb", "/etc/caddy", "/var/lib/codeb", "/var/log/codeb")
_INSIDE = "70:70"


def programs() -> Path:
    """Where PostgreSQL's newest programs are."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def _outside(word: str, sources: Mapping[str, str]) -> str:
    """`--option=/a/mounted/file` with where that file is outside of the container."""
    option, is_one, value = word.partition("=")
    return f"{option}={sources[value]}" if is_one and value in sources else word


@dataclass
class Containers:
    """Containers as processes of user postgres, and systemd with one unit: the receiver, started as its unit file says."""

    root: Path
    receiver: str = ""
    """The line `Exec=` of the receiver's unit."""
    before: str = ""
    """Its line `ExecStartPre=`."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    """Units that were started without waiting for them."""

    def translated(self, argv: Argv) -> list[str]:
        """The token list as it runs here: paths below the folder, a program in place of its container."""
        words = [self.below(word) for word in argv]
        if words[:2] == ["podman", "run"]:
            return self._run(words[2:])
        if words[:2] == ["podman", "exec"]:
            return [*_AS_POSTGRES, str(programs() / words[4]), *words[5:]]
        return words

    def below(self, word: str) -> str:
        for place in BELOW:
            word = word.replace(place, f"{self.root}{place}")
        return word

    def _run(self, words: Sequence[str]) -> list[str]:
        """The image is the first word that is no option; what is mounted is read where it comes from."""
        place = next(place for place, word in enumerate(words) if not word.startswith("--"))
        given = [word.partition("=")[::2] for word in words[:place]]
        mounts = [value.removesuffix(":ro").split(":") for key, value in given if key == "--volume"]
        sources = {inside: outside for outside, inside in mounts}
        pairs = [value.partition("=") for key, value in given if key == "--env"]
        environment = [f"{name}={sources.get(value, value)}" for name, _, value in pairs]
        [program] = [value for key, value in given if key == "--entrypoint"]
        rest = [_outside(word, sources) for word in words[place + 1 :]]
        return [*_AS_POSTGRES, *environment, str(programs() / program), *rest]

    def handled(self, argv: Argv) -> Result | None:
        """What Podman and systemd would say; None for every other program."""
        words = list(argv)
        if words[:3] == ["podman", "run", "--detach"]:
            name = next(word.removeprefix("--name=") for word in words if word.startswith("--name="))
            self._start(name, self.translated(words))
            return Result(0)
        if words[:2] == ["podman", "rm"]:
            self._stop(words[-1])
            return Result(0)
        if words[:3] == ["podman", "container", "inspect"]:
            if words[-1] == "postgres":
                return Result(0, f"{'1' * 64} sha256:{'2' * 64}\n")
            return Result(0, f"{str(self._alive(words[-1])).lower()}\n")
        if words[:2] == ["podman", "logs"]:
            return Result(0, self.log(words[-1]))
        if words[0] == "systemctl":
            return self._systemctl(words[1:])
        return None

    def log(self, name: str) -> str:
        """What a container wrote."""
        return (self.root / f"{name}.log").read_text(errors="replace")

    def prepared(self) -> None:
        """What the unit runs before the receiver."""
        subprocess.run(shlex.split(self.below(self.before)), check=True)

    def close(self) -> None:
        for name in list(self.running):
            self._stop(name)

    def _systemctl(self, words: Sequence[str]) -> Result:
        verb, unit = words[0], words[-1]
        if verb == "show":
            state = "active" if self._alive(unit) else "inactive"
            return Result(0, f"ActiveState={state}\nLoadState=loaded\n")
        if verb == "start" and "--no-block" in words:
            self.started.append(unit)
        elif verb == "start":
            name, *arguments = self.below(self.receiver).split()
            environment = [
                f"PGPASSFILE={self.root}/etc/codeb/secrets/postgres-archive",
                f"PGSSLROOTCERT={self.root}/etc/codeb/ca.crt",
                "PGSSLMODE=verify-full",
            ]
            self.prepared()
            self._start(unit, [*_AS_POSTGRES, *environment, str(programs() / name), *arguments])
        elif verb == "stop":
            self._stop(unit)
        return Result(0)

    def _start(self, name: str, argv: Sequence[str]) -> None:
        self._stop(name)
        with (self.root / f"{name}.log").open("wb") as output:
            self.running[name] = subprocess.Popen(argv, stdout=output, stderr=output, cwd="/")

    def _stop(self, name: str) -> None:
        process = self.running.pop(name, None)
        if process is not None:
            end(process)

    def _alive(self, name: str) -> bool:
        return name in self.running and self.running[name].poll() is None


_AS_POSTGRES = [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--clear-groups",
    "env",
    "HOME=/",
    "LC_ALL=C",
]


class Runner(RealRunner):
    def __init__(self, containers: Containers) -> None:
        super().__init__()
        self._containers = containers

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        handled = self._containers.handled(argv)
        if handled is not None:
            return handled
        return super().run(self._containers.translated(argv), stdin=stdin, timeout_s=timeout_s, unless=unless)


class Pipes(RealPipes):
    def __init__(self, containers: Containers) -> None:
        super().__init__()
        self._containers = containers

    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        translated = [self._containers.translated(stage) for stage in stages]
        return super().flow(translated, source, unless=unless)

    def session(self, argv: Sequence[str]) -> _GeneratorContextManager[RealSession]:
        return super().session(self._containers.translated(argv))


class Files(RealFiles):
    """Files below the folder; those of the user that PostgreSQL has in its image are user postgres's."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _at(self, path: str) -> str:
        return f"{self._root}{path}" if path.startswith(BELOW) else path

    def read(self, path: str) -> bytes | None:
        return super().read(self._at(path))

    def entry(self, path: str) -> Entry | None:
        return super().entry(self._at(path))

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        super().write(self._at(path), content, mode, _owner(owner))

    def remove(self, path: str) -> None:
        super().remove(self._at(path))

    def append(self, path: str, line: str, mode: int) -> None:
        super().append(self._at(path), line, mode)

    def listing(self, folder: str) -> list[str]:
        return super().listing(self._at(folder))

    def directory(self, path: str, mode: int, owner: str) -> bool:
        return super().directory(self._at(path), mode, _owner(owner))

    def remove_tree(self, path: str) -> None:
        super().remove_tree(self._at(path))

    def disk_used_percent(self, path: str) -> float:
        return 40.0

    def disk_room(self, path: str) -> tuple[int, int]:
        return 60 << 30, 100 << 30

    def lock(self, path: str, wait_s: float) -> _GeneratorContextManager[None]:
        return super().lock(self._at(path), wait_s)

    def held_since(self, path: str) -> float | None:
        return super().held_since(self._at(path))


def _owner(owner: str) -> str:
    return "postgres:postgres" if owner == _INSIDE else owner


@dataclass(frozen=True)
class Journal:
    lines: list[str] = field(default_factory=list)

    def log(self, text: str) -> None:
        self.lines.append(text)


@dataclass(frozen=True)
class Host:
    """Everything that the archive touches, and the store that it ships to."""

    ports: Ports
    containers: Containers
    shelf: Shelf
    journal: Journal


def host(root: Path, receiver: tuple[str, str], shelf: Shelf) -> Host:
    """A host whose files are below a folder. `receiver`: lines of its unit, `Exec=` and `ExecStartPre=`."""
    containers, journal, real = Containers(root, *receiver), Journal(), real_ports()
    ports = Ports(
        Runner(containers),
        Files(root),
        real.clock,
        real.http,
        real.redis,
        journal,
        real.asker,
        Pipes(containers),
        shelf,
    )
    return Host(ports, containers, shelf, journal)


def identity() -> tuple[str, str]:
    """A new identity of age, and its recipient."""
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    secret = next(line for line in made.stdout.splitlines() if line.startswith("AGE-SECRET-KEY-"))
    public = subprocess.run(["age-keygen", "-y"], input=secret, capture_output=True, text=True, check=True)
    return secret, public.stdout.strip()


def able() -> str:
    """What is missing here, "" for nothing."""
    missing = [name for name in ("age", "age-keygen", "zstd") if shutil.which(name) is None]
    if not list(Path("/usr/lib/postgresql").glob("*/bin")):
        missing.append("postgresql")
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        missing.append("user postgres")
    return ", ".join([*missing, *([] if os.geteuid() == 0 else ["root"])])
