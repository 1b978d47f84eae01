"""Programs, run without a shell, in a process group of their own: no key pressed and no line lost ends them.

They stay in the agent's session, so that they have its share of the processor (`agent.program.processor`).
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress

from agent.host.ports import Argv, Result

_KEPT = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_LOOK_S = 1.0
_LEAVE_S = 2.0
_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def surroundings() -> dict[str, str]:
    """The small, fixed environment of every program."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"HOME": "/root", **kept, "PATH": SEARCHED, "LANG": "C.UTF-8"}


class RealRunner:
    """Runs programs in a small, fixed environment."""

    def __init__(self) -> None:
        self._environment = surroundings()

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
                cwd="/",
                process_group=0,
            )
        except FileNotFoundError:
            return Result(127, err=f"{argv[0]} is not installed")
        try:
            return _ended(_fed(process, stdin or ""), timeout_s, unless)
        except subprocess.TimeoutExpired:
            return Result(124, err=f"{argv[0]} did not end within {timeout_s:g} s")
        except _NobodyWaits:
            return Result(130, err=f"{argv[0]} was ended")
        finally:
            _let_go(process)

    def lines(
        self, programs: Sequence[Argv], *, unless: Callable[[], object] = lambda: False
    ) -> Generator[tuple[int, str] | None, None, None]:
        started: list[subprocess.Popen[bytes]] = []
        try:
            for argv in programs:
                started.append(self._started(argv))
            yield from _lines(started, unless)
        finally:
            for process in started:
                _let_go(process)

    def _started(self, argv: Argv) -> subprocess.Popen[bytes]:
        """A program that is asked nothing and whose errors nobody reads."""
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            cwd="/",
            process_group=0,
        )


def _lines(
    processes: Sequence[subprocess.Popen[bytes]], unless: Callable[[], object]
) -> Generator[tuple[int, str] | None, None, None]:
    with selectors.DefaultSelector() as selector:
        for place, process in enumerate(processes):
            selector.register(process.stdout or 0, selectors.EVENT_READ, place)
        begun = {place: b"" for place in range(len(processes))}
        while selector.get_map() and not unless():
            ready = selector.select(_LOOK_S)
            if not ready:
                yield None
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                *whole, rest = (begun[key.data] + data).split(b"\n")
                begun[key.data] = b"" if len(rest) > _LONGEST_LINE else rest
                for line in whole:
                    yield key.data, line.decode("utf-8", "replace")


class _NobodyWaits(Exception):
    """The program was to end before its time."""


def _let_go(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a program unless it has ended. One that waits for a file system that hangs can't be ended: it is left behind."""
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LEAVE_S)


def _fed(process: subprocess.Popen[str], text: str) -> subprocess.Popen[str]:
    """The program, which is sent this text from now on, however long it takes to read it.

    `communicate` would send it in its first call alone, which ends after a second.
    """
    pipe, process.stdin = process.stdin, None

    def feed() -> None:
        with suppress(OSError):  # it has ended, or reads no more
            if pipe is not None:
                with pipe:
                    pipe.write(text)

    threading.Thread(target=feed, daemon=True).start()
    return process


def _ended(process: subprocess.Popen[str], timeout_s: float, unless: Callable[[], object]) -> Result:
    """Raises TimeoutExpired and _NobodyWaits."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        try:
            out, err = process.communicate(timeout=min(left, _LOOK_S))
        except subprocess.TimeoutExpired:
            if left <= _LOOK_S:
                raise
            if unless():
                raise _NobodyWaits from None
        else:
            return Result(process.returncode, out, err)
