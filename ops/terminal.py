"""Gives a session that a server has prepared the terminal, or takes what it writes. Only its token is in an argument."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from codeb.ssh import SshTarget
from ops.ssh import CONNECT_SECONDS, SshError, login

KEPT_BYTES = 1 << 20
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Captured:
    """What a command wrote, at most a mebibyte of each, and its exit status."""

    exit: int
    out: str
    err: str
    truncated: bool


def attached(target: SshTarget, token: str, *, terminal: bool) -> int:
    """Run it where we sit; its exit status, or 255 when the connection was lost. Raises SshError."""
    with _arguments(target, token, terminal=terminal) as argv:
        try:
            return subprocess.call(argv)
        except FileNotFoundError:
            raise SshError("ssh is not installed: install the OpenSSH client and run again") from None


def captured(target: SshTarget, token: str) -> Captured:
    """Run it and take what it writes; standard input is ours. Raises SshError."""
    with _arguments(target, token, terminal=False) as argv:
        try:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError:
            raise SshError("ssh is not installed: install the OpenSSH client and run again") from None
        with process:
            try:
                streams = [_Kept(pipe) for pipe in (process.stdout, process.stderr) if pipe]
                code = process.wait()
                out, err = (stream.text() for stream in streams)
            except BaseException:
                process.kill()
                raise
    return Captured(code, out, err, any(stream.cut for stream in streams))


class _Kept:
    """Reads a pipe to its end and keeps its beginning: a command must not wait for us to read."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._found = b""
        self.cut = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        self._reader.join()
        return self._found.decode("utf-8", "replace")

    def _read(self) -> None:
        while data := self._pipe.read1(_CHUNK):  # type: ignore[attr-defined]
            room = KEPT_BYTES - len(self._found)
            self._found += data[:room]
            self.cut = self.cut or len(data) > room


@contextmanager
def _arguments(target: SshTarget, token: str, *, terminal: bool) -> Iterator[Sequence[str]]:
    """`ssh`'s arguments. A terminal that is closed meanwhile ends us in good order: the key's file is not left behind."""
    before = {number: signal.signal(number, _leave) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        with login(target, CONNECT_SECONDS) as arguments:
            yield ["ssh", "-t" if terminal else "-T", *arguments, f"codeb-agent attach {token}"]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)
