"""The narrow ports through which the agent touches a host; real in `agent.real`, in memory in the tests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from agent.host.pipes import Pipes
from agent.host.s3 import S3

Argv = Sequence[str]


@dataclass(frozen=True)
class Result:
    """How a command ended. `code`: its exit status; 124 when its time ran out, 127 when not installed, 130 when it was to
    end."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def text(self) -> str:
        """What the command said, its errors first, in one line per line without blank ones."""
        lines = [line.strip() for line in f"{self.err}\n{self.out}".splitlines()]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class Entry:
    """A file as it is on the host."""

    content: bytes
    mode: int
    owner: str


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, body (at most 64 KiB where nothing else is said), header names in lower case, time it took."""

    status: int
    body: bytes
    elapsed_ms: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Tls:
    """TLS for a probe: the name to ask for, and the platform's CA, trusted beside the system's and a CA of the
    stack's own that signs sites."""

    server_name: str
    ca_file: str


@dataclass(frozen=True)
class Validity:
    """For how many days a certificate still holds, and how long it does in all."""

    left: float
    whole: float

    @property
    def late(self) -> bool:
        """Whether it should have been renewed long ago: Caddy does when a third is left."""
        return self.left < self.whole / 6


class NoReply(Exception):
    """No HTTP answer came. `no_certificate` when the server has none for that name yet."""

    def __init__(self, cause: str, *, no_certificate: bool = False) -> None:
        super().__init__(cause)
        self.no_certificate = no_certificate


class RedisRefused(Exception):
    """Redis can't be reached or refused a command. The message holds no secret."""


class RedisUntrusted(RedisRefused):
    """Nobody that this host trusts vouches for its certificate, or it is another's."""


class Busy(Exception):
    """A lock is held by another run for longer than the caller waits."""


class Runner(Protocol):
    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        """Run a program, no shell in between. Never raises for how it ends; secrets go by `stdin` only.

        It is ended soon after `unless` says so.
        """

    def lines(
        self, programs: Sequence[Argv], *, unless: Callable[[], object] = lambda: False
    ) -> Generator[tuple[int, str] | None, None, None]:
        """The lines that programs write side by side, each with its program's place in the list, as they come.

        None stands for a second in which none came. The programs are ended with this generator (whoever takes no more
        closes it), and soon after `unless` says so.
        """


class Files(Protocol):
    """Whatever writes raises `agent.documents.errors.Unwritable` when the disk refuses."""

    def read(self, path: str) -> bytes | None:
        """Content of a file or None when there is none."""

    def entry(self, path: str) -> Entry | None:
        """Content, mode and owner of a file or None when there is none."""

    def owned(self, path: str, owner: str) -> bool:
        """Whether a file belongs to this owner, by name or number (`root:root`, `999:1000`)."""

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        """Replace a file in one step that survives a power cut; missing folders are made."""

    def remove(self, path: str) -> None:
        """Delete a file or a link; a missing one is fine."""

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, replacing what is there in one step."""

    def link_target(self, path: str) -> str | None:
        """Where a symbolic link points, or None when there is no link."""

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""

    def listing(self, folder: str) -> list[str]:
        """Names in a folder, sorted; none when it doesn't exist."""

    def directory(self, path: str, mode: int, owner: str) -> bool:
        """Make a folder with this mode and owner; True when something changed."""

    def remove_tree(self, path: str) -> None:
        """Delete a folder with all in it; a missing one is fine."""

    def move(self, path: str, target: str) -> None:
        """Rename a folder within its file system; a missing one is fine."""

    def append(self, path: str, line: str, mode: int) -> None:
        """Add a line to a file, which is made with this mode."""

    def blank(self, device: str) -> bool:
        """Whether a device reads as zeros: its beginning, its end, and samples in between."""

    def disk_used_percent(self, path: str) -> float:
        """How full the file system that holds this path is."""

    def disk_room(self, path: str) -> tuple[int, int]:
        """Bytes that are free on the file system that holds this path, and its size."""

    def lock(self, path: str, wait_s: float) -> AbstractContextManager[None]:
        """Hold a lock that a killed holder loses; its file may be removed meanwhile. Raises Busy."""

    def held_since(self, path: str) -> float | None:
        """Since when (seconds since 1970) somebody holds a lock, None when nobody does."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall-clock time in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Http(Protocol):
    def get(
        self,
        address: str,
        path: str,
        *,
        host: str,
        timeout_ms: int,
        tls: Tls | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """GET `path` from `address` (ip:port) with this Host header; follows no redirect. Raises NoReply."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> Reply:
        """POST to an http or https URL, all of it within the time; follows no redirect.

        https trusts the system's CAs and the platform's. Raises NoReply, whose text holds nothing of the URL but
        its host, and nothing of the headers.
        """

    def call(
        self,
        method: str,
        address: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_ms: int,
        longest: int,
    ) -> Reply:
        """Any request to `address` (ip:port), all of it within the time; of the answer at most `longest` bytes.

        Raises NoReply, also for a longer answer.
        """

    def accepts(self, address: str, timeout_ms: int) -> bool:
        """Whether something accepts TCP connections at `address` (ip:port)."""

    def certificate(self, address: str, tls: Tls, timeout_ms: int) -> Validity:
        """For how long the certificate holds that is served for this name. Raises NoReply."""


class Redis(Protocol):
    def call(
        self, host: str, port: int, admin_password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        """Run commands as the administrator on one connection. Raises RedisRefused at the first refusal."""

    def call_as(
        self, host: str, port: int, user: str, password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        """The same as this user with TLS, to a server whose certificate is for its name.

        Raises RedisRefused, RedisUntrusted.
        """


class Journal(Protocol):
    def log(self, text: str) -> None:
        """Write a line to the host's journal; never a secret."""


class Asker(Protocol):
    def watch(self) -> None:
        """From now on notice when whoever asked goes away; signals that would end this process say so, too."""

    def gone(self) -> str:
        """Why whoever asked waits for no answer any more, in words; "" while he does, and when nobody watches."""

    def key(self) -> str:
        """The public key by which whoever asked logged in (`ssh-ed25519 AAAA…`); "" when nobody says."""


@dataclass(frozen=True)
class Ports:
    """Everything a verb may touch."""

    runner: Runner
    files: Files
    clock: Clock
    http: Http
    redis: Redis
    journal: Journal
    asker: Asker
    pipes: Pipes
    s3: S3
