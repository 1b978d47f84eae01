"""The machine in memory: its files, its clock and its programs, and the counters that kills and failures are set by."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial

from agent.documents.errors import Unwritable
from agent.host.pipes import Pipes
from agent.host.ports import Busy, Entry, Ports, Result
from tests.unit.agent.fakes.caddy import Caddy
from tests.unit.agent.fakes.debian import Debian
from tests.unit.agent.fakes.disks import Disks
from tests.unit.agent.fakes.network import FakeHttp
from tests.unit.agent.fakes.podman import App, Podman
from tests.unit.agent.fakes.redis import FakeRedis
from tests.unit.agent.fakes.store import FakeS3, NoPipes
from tests.unit.agent.fakes.systemd import Systemd

EPOCH = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()


class Killed(BaseException):
    """kill -9 of the agent."""


class FakeHost:
    """What is on disk (`folders`: those with nothing in them), the time, and what runs.

    What the agent did (`calls`, `journal`) and holds (`held`).

    Whoever asked logged in by `key`, and is `gone` (why, in words), at the latest when a program is run with the word
    `leaves_at`.
    `answers` are given instead of what a program would say. Effects count in `operations`; the one numbered `kill_at`
    kills the agent, the one numbered `fail_at` fails; `after` is called around each. `followed` is what programs that go on
    write, each with its place among them; then whoever asked leaves.
    """

    def __init__(
        self,
        *,
        images: Mapping[str, App] | None = None,
        registry: Mapping[str, App] | None = None,
        packages: Sequence[str] = (),
        caddy: bool = True,
    ) -> None:
        self.files: dict[str, Entry] = {}
        self.folders: set[str] = set()
        self.links: dict[str, str] = {}
        self.time = EPOCH
        self.calls: list[list[str]] = []
        self.answers: dict[str, Result] = {}
        self.journal: list[str] = []
        self.held: set[str] = set()
        self.gone = self.leaves_at = self.key = ""
        self.followed: list[tuple[int, str] | None] = []
        self.operations = self.kill_at = self.fail_at = 0
        self.after: Callable[[], None] = lambda: None
        self.caddy = Caddy(self, runs=caddy)
        self.podman = Podman(dict(images or {}), dict(registry or {}), self.caddy)
        self.systemd = self.podman.units = Systemd(self, self.podman)
        self.disks = self.systemd.mounts = Disks(self, self.step)
        self.debian = Debian(self, set(packages))
        self.redis = FakeRedis(self.step)
        self.s3 = FakeS3(self)
        self.pipes: Pipes = NoPipes()
        self.http = FakeHttp(self, self.caddy, self.systemd.running, self.podman.app)

    def ports(self) -> Ports:
        return Ports(
            FakeRunner(self),
            FakeFiles(self),
            FakeClock(self),
            self.http,
            self.redis,
            FakeJournal(self),
            FakeAsker(self),
            self.pipes,
            self.s3,
        )

    def step(self) -> bool:
        """Count an effect; True when it is to fail. Raises Killed when the agent dies here."""
        self.after()
        self.operations += 1
        if self.operations == self.kill_at:
            raise Killed
        return self.operations == self.fail_at

    def tell(self, path: str) -> str | None:
        entry = self.files.get(path)
        return None if entry is None else entry.content.decode()

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        self.files[path] = Entry(text.encode(), mode, "root:root")

    def reboot(self) -> None:
        self.caddy.load()
        self.systemd.boot()

    def advance(self, seconds: float) -> None:
        """Time passes; timers fire."""
        self.time += seconds
        self.systemd.fire_timers()


class FakeRunner:
    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.programs: Mapping[str, Callable[[list[str]], Result]] = {
            "systemctl": host.systemd.systemctl,
            "systemd-run": host.systemd.systemd_run,
            "journalctl": host.systemd.journalctl,
            "podman": host.podman.podman,
            "nft": host.debian.check,
            "sshd": host.debian.check,
            "ssh-keygen": host.debian.check,
            "dpkg-query": host.debian.dpkg_query,
            "env": host.debian.apt_get,
            "mkdir": lambda _: Result(0),
            **{name: partial(host.disks.one, name) for name in host.disks.names()},
        }

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        words = list(argv)
        self.host.calls.append(words)
        if self.host.leaves_at in words:
            self.host.gone = "the session has ended"
            if unless():
                return Result(130, err=f"{words[0]} was ended")
        if self.host.step():
            return Result(1, err="injected failure")
        canned = self.host.answers.get(" ".join(words))
        if canned is not None:
            return canned
        program = self.programs.get(words[0])
        result = program(words[1:]) if program else Result(127, err=f"{words[0]}: not found")
        self.host.after()
        return result

    def lines(
        self, programs: Sequence[Sequence[str]], *, unless: Callable[[], object] = lambda: False
    ) -> Generator[tuple[int, str] | None, None, None]:
        going_on = any("--follow" in word for argv in programs for word in argv)
        results = [self.run(argv) for argv in programs]
        if not going_on:
            yield from ((n, line) for n, result in enumerate(results) for line in result.out.splitlines())
        while going_on and self.host.followed and not unless():
            yield self.host.followed.pop(0)
        self.host.gone = self.host.gone or ("the session has ended" if going_on else "")


class FakeFiles:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def _effect(self, path: str) -> None:
        if self.host.step():
            raise Unwritable(path, OSError(28, "No space left on device"))

    def read(self, path: str) -> bytes | None:
        entry = self.entry(path)
        return None if entry is None else entry.content

    def entry(self, path: str) -> Entry | None:
        return self.host.files.get(self.host.links.get(path, path))

    def owned(self, path: str, owner: str) -> bool:
        return self.host.files[path].owner == owner

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        self._effect(path)
        self.host.files[path] = Entry(content, mode, owner)
        self.host.after()

    def remove(self, path: str) -> None:
        self._effect(path)
        self.host.files.pop(path, None)
        self.host.links.pop(path, None)
        self.host.after()

    def link(self, path: str, target: str) -> None:
        self._effect(path)
        self.host.links[path] = target
        self.host.after()

    def link_target(self, path: str) -> str | None:
        return self.host.links.get(path)

    def is_folder(self, path: str) -> bool:
        return path in self.host.folders or bool(self.listing(path))

    def listing(self, folder: str) -> list[str]:
        names = {
            p.removeprefix(f"{folder}/").split("/")[0]
            for p in (*self.host.files, *self.host.links)
            if p.startswith(f"{folder}/")
        }
        return sorted(names)

    def directory(self, path: str, mode: int, owner: str) -> bool:
        self._effect(path)
        return False

    def remove_tree(self, path: str) -> None:
        self._effect(path)
        for store in (self.host.files, self.host.links):
            for name in [name for name in store if name.startswith(f"{path}/")]:
                del store[name]

    def move(self, path: str, target: str) -> None:
        self._effect(path)
        for name in [name for name in self.host.files if name.startswith(f"{path}/")]:
            self.host.files[target + name.removeprefix(path)] = self.host.files.pop(name)

    def append(self, path: str, line: str, mode: int) -> None:
        self._effect(path)
        before = self.host.files.get(path)
        self.host.files[path] = Entry(
            (before.content if before else b"") + line.encode() + b"\n", mode, "root:root"
        )

    def blank(self, device: str) -> bool:
        return self.host.disks.blank(device)

    def disk_used_percent(self, path: str) -> float:
        return 40.0

    def disk_room(self, path: str) -> tuple[int, int]:
        return 60 << 30, 100 << 30

    def lock(self, path: str, wait_s: float) -> AbstractContextManager[None]:
        return self._lock(path)

    def held_since(self, path: str) -> float | None:
        return EPOCH if path in self.host.held else None

    @contextmanager
    def _lock(self, path: str) -> Iterator[None]:
        if path in self.host.held:
            raise Busy(f"{path} is held")
        self.host.held.add(path)
        try:
            yield
        finally:
            self.host.held.discard(path)


class FakeClock:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.host.time, UTC)

    def monotonic(self) -> float:
        return self.host.time

    def sleep(self, seconds: float) -> None:
        self.host.advance(seconds)
        self.host.after()


class FakeAsker:
    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.watches = False

    def watch(self) -> None:
        self.watches = True

    def gone(self) -> str:
        return self.host.gone if self.watches else ""

    def key(self) -> str:
        return self.host.key


class FakeJournal:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def log(self, text: str) -> None:
        self.host.journal.append(text)
