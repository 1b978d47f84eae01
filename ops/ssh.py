"""One OpenSSH call to a server's agent: a document in, a document out. Nothing secret is in an argument."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from codeb import ssh
from codeb.ssh import SshTarget

CONNECT_SECONDS = 5
_UNREACHABLE = 255
_NOT_INSTALLED = 127
_LEAVE_SECONDS = 2
_LONGEST_SAID = 4096
_NO_SSH = "ssh is not installed: install the OpenSSH client and run again"


class SshError(Exception):
    """A server could not be asked; the message says which, why and what to do."""


class LoginRefused(SshError):
    """sshd takes none of our keys."""


@dataclass(frozen=True)
class Answer:
    """How the agent ended (0: goal reached, 1: not, 2: it refuses the document) and its document."""

    code: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """How `ssh` ended: exit status and both outputs."""

    code: int
    out: str
    err: str


class Run(Protocol):
    """Runs a program with text on its standard input."""

    def __call__(self, argv: Sequence[str], text: str, timeout: float | None) -> Ended:
        """How it ended. Raises SshError when it is not installed or its time ran out."""


def run(argv: Sequence[str], text: str, timeout: float | None) -> Ended:
    """The real thing. Raises SshError."""
    try:
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise SshError(_NO_SSH) from None
    except subprocess.TimeoutExpired:
        raise SshError(f"no answer within {timeout:g} s") from None
    return Ended(done.returncode, done.stdout, done.stderr)


def ask(
    target: SshTarget,
    verb: str,
    document: Mapping[str, Any],
    *,
    connect_seconds: int = CONNECT_SECONDS,
    timeout: float | None = None,
    known: bool = False,
    run: Run = run,
) -> Answer:
    """Run `codeb-agent <verb>` on the server with this document.

    Args:
        connect_seconds: how long the server may take to accept the connection.
        timeout: seconds for all of it; None waits for as long as the connection lives.
        known: the server is in use already, so that a refused connection has another cause than on a new one.

    Raises:
        LoginRefused: sshd takes none of our keys.
        SshError: the server can't be reached or has no agent, or its answer is no document.
    """
    with login(target, connect_seconds) as arguments:
        ended = run(["ssh", *arguments, f"codeb-agent {verb}"], json.dumps(document), timeout)
    _came(target, ended.code, ended.err, known=known)
    try:
        found = json.loads(ended.out, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        said = ended.err.strip().splitlines() or ["nothing"]
        raise SshError(f"{target.where}: codeb-agent {verb} answered unreadably and said: {said[0]}")
    return Answer(ended.code, found)


def _came(target: SshTarget, code: int, said: str, *, known: bool) -> None:
    """Remember that we got in. Raises LoginRefused and SshError when there was no agent to talk to."""
    if code == _UNREACHABLE:
        problem = said.strip() or "ssh ended without a word"
        words = ssh.explain(target, problem, known=known or was_let_in(target))
        raise LoginRefused(words) if ssh.login_refused(problem) else SshError(words)
    note_let_in(target)
    if code == _NOT_INSTALLED:
        raise SshError(f"{target.where}: has no codeb-agent: run `pulumi up`, which installs it")


class Telling:
    """Documents that an agent tells, one by one, while a verb runs there."""

    def __init__(
        self, target: SshTarget, verb: str, process: subprocess.Popen[bytes], said: IO[bytes]
    ) -> None:
        self._target, self._verb, self._process, self._said = target, verb, process, said

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Until the agent's answer, which comes, too. Raises SshError when it ends without one."""
        last: Mapping[str, Any] = {}
        for line in self._process.stdout or ():
            last = _object(line)
            if last:
                yield last
        code = self._process.wait()
        self._said.seek(0)
        said = self._said.read(_LONGEST_SAID).decode("utf-8", "replace")
        _came(self._target, code, said, known=False)
        if "ok" not in last:
            words = said.strip().splitlines() or ["nothing"]
            raise SshError(
                f"{self._target.where}: codeb-agent {self._verb} ended early and said: {words[0]}. It may be older than "
                "this program: run `pulumi up`, which updates it"
            )

    def end(self) -> None:
        """Log out; the agent ends by itself then. From any thread."""
        self._process.terminate()


@contextmanager
def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
    """Run `codeb-agent <verb>`, which tells documents for as long as somebody listens. Raises SshError."""
    with login(target, CONNECT_SECONDS) as arguments, tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                ["ssh", *arguments, f"codeb-agent {verb}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                process_group=0,  # a Ctrl-C is ours: we end it
            )
        except FileNotFoundError:
            raise SshError(_NO_SSH) from None
        try:
            with suppress(BrokenPipeError), process.stdin or nullcontext(said) as sink:
                sink.write(json.dumps(document).encode())
            yield Telling(target, verb, process, said)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _no_number(name: str) -> None:
    """NaN and the infinities are in no JSON, and what programs get from us is JSON."""
    raise ValueError(name)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def login(
    target: SshTarget, connect_seconds: int, options: Mapping[str, str] | None = None
) -> Iterator[list[str]]:
    """`ssh`'s arguments up to the address. Key and pinned host key are files of mode 0600 meanwhile, then gone.

    Raises:
        SshError: the folder for them is not ours alone.
    """
    with tempfile.TemporaryDirectory(dir=runtime_folder()) as scratch:
        key, known_hosts = Path(scratch) / "key", Path(scratch) / "known_hosts"
        key.touch(mode=0o600)
        key.write_text(target.private_key.rstrip("\n") + "\n")
        known_hosts.write_text(ssh.known_hosts(target))
        wanted = {"ConnectTimeout": str(connect_seconds), **(options or {})}
        yield ssh.arguments(target, str(key), str(known_hosts), wanted)


def runtime_folder() -> Path:
    """A private folder with a short path: a Unix socket's path has at most 107 characters.

    Raises:
        SshError: others can enter it, or it is no folder.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"codeb-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise SshError(f"{folder} must be a folder that only you can enter: remove it and run again")
    return folder


def note_let_in(target: SshTarget) -> None:
    """Remember that the server let this machine in."""
    _mark(target).touch(mode=0o600)


def was_let_in(target: SshTarget) -> bool:
    """Whether it did, as far as this machine remembers (until it reboots, mostly)."""
    return _mark(target).exists()


def _mark(target: SshTarget) -> Path:
    facts = f"{target.user}@{target.address}:{target.port}"
    return runtime_folder() / f"{hashlib.sha256(facts.encode()).hexdigest()[:16]}.in"
