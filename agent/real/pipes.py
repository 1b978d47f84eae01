"""Pipelines of programs, without a shell: what flows are bytes, and every program's end is looked at."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Final

from agent.host.pipes import Ended, PipeBroken
from agent.real.runner import surroundings

_LOOK_S: Final = 1.0
_CHUNK: Final = 1 << 18
_PIPE: Final = 1 << 20
_TAIL: Final = 8 << 10
_LEAVE_S: Final = 10.0
"""How long a program has to end after SIGTERM: `podman run` hands it on, while SIGKILL would leave its container behind."""
_NOT_INSTALLED: Final = 127


class RealPipes:
    """Programs in process groups of their own, in the same environment as the runner's."""

    def __init__(self) -> None:
        self._environment = surroundings()

    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        running: list[_Running] = []
        feeder: _Feeder | None = None
        try:
            self._start(stages, running, fed=source is not None)
            if source is not None:
                feeder = _Feeder(source, running[0])
            over = _Over(running[-1].name, feeder, unless)
            yield from _output(running[-1], over)
            _wait(running, feeder, over)
            over.check()
            ends = [each.ended() for each in running]
            if any(end.code for end in ends):
                raise PipeBroken(ends)
        finally:
            if feeder is not None:
                feeder.stop()
            _let_go(running)
            if feeder is not None:
                feeder.join()

    @contextmanager
    def session(self, argv: Sequence[str]) -> Iterator[RealSession]:
        running: list[_Running] = []
        self._start([argv], running, fed=True)
        try:
            yield RealSession(running[0])
        finally:
            running[0].close_input()
            _wait_a_while(running)
            _let_go(running)

    def _start(self, stages: Sequence[Sequence[str]], running: list[_Running], *, fed: bool) -> None:
        """Start them one after the other into `running`. Raises PipeBroken when one isn't installed."""
        for argv in stages:
            before = running[-1].process.stdout if running else None
            stdin: int | IO[bytes] = before or (subprocess.PIPE if fed else subprocess.DEVNULL)
            try:
                process = subprocess.Popen(
                    list(argv),
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    pipesize=_PIPE,
                    env=self._environment,
                    cwd="/",
                    process_group=0,
                )
            except FileNotFoundError:
                _let_go(running)
                missing = Ended(argv[0], _NOT_INSTALLED, f"{argv[0]} is not installed")
                raise PipeBroken([missing]) from None
            if before is not None:
                before.close()
            running.append(_Running(argv[0], process))


class _Running:
    """A program that runs, and the end of what it writes to standard error."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name, self.process = name, process
        self._said = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        errors = self.process.stderr
        with suppress(OSError, ValueError):
            while errors is not None and (data := errors.read(_TAIL)):
                self._said = (self._said + data)[-_TAIL:]

    def ended(self) -> Ended:
        """How it ended; it has."""
        self._listener.join(_LOOK_S)  # whoever inherited its standard error may still have it open
        return Ended(self.name, self.process.returncode, self._said.decode("utf-8", "replace"))

    def close_input(self) -> None:
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class _Feeder:
    """Writes a source to a program, in a thread. After an error of the source, which is kept, the program sees no end of its
    input: it is ended first."""

    def __init__(self, source: Iterable[bytes], first: _Running) -> None:
        self.error: BaseException | None = None
        self._source, self._first = source, first
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def join(self) -> None:
        self._thread.join(_LEAVE_S)

    def _feed(self) -> None:
        try:
            for piece in self._source:
                if self._stopped.is_set() or not self._taken(piece):
                    return
            self._first.close_input()
        except BaseException as error:  # noqa: BLE001 - raised again where the flow is read
            self.error = error
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()

    def _taken(self, piece: bytes) -> bool:
        """Write a piece; False once its reader has ended: how, its exit status says."""
        try:
            _write(self._first.process.stdin, piece)
        except (OSError, ValueError):
            return False
        return True


@dataclass(frozen=True)
class _Over:
    """Whether a flow has to end early: nobody waits for it any more, or its source has failed."""

    name: str
    feeder: _Feeder | None
    unless: Callable[[], object]

    def check(self) -> None:
        """Raises PipeBroken, or the source's error."""
        if self.feeder is not None and self.feeder.error is not None:
            raise self.feeder.error
        if self.unless():
            raise PipeBroken([Ended(self.name, 130)], "nobody waits for it any more")


class RealSession:
    """A program that is talked to over its pipes."""

    def __init__(self, running: _Running) -> None:
        self._running = running
        self._begun = b""

    def ask(self, text: str, until: str, timeout_s: float = 60) -> list[str]:
        try:
            _write(self._running.process.stdin, text.encode())
        except OSError:
            raise self._over() from None
        end = time.monotonic() + timeout_s
        lines: list[str] = []
        while True:
            line = self._line(end)
            if line == until:
                return lines
            lines.append(line)

    def _line(self, end: float) -> str:
        out = self._running.process.stdout
        while b"\n" not in self._begun:
            if out is None or not _readable(out, max(0.0, end - time.monotonic())):
                raise PipeBroken(
                    [Ended(self._running.name, 124)], f"{self._running.name} gave no answer in time"
                )
            data = os.read(out.fileno(), _CHUNK)
            if not data:
                raise self._over()
            self._begun += data
        line, _, self._begun = self._begun.partition(b"\n")
        return line.decode("utf-8", "replace")

    def _over(self) -> PipeBroken:
        """It has ended before it answered."""
        _wait_a_while([self._running])
        self._running.process.poll()
        end = self._running.ended()
        return PipeBroken([end if end.code else Ended(end.program, 1, end.said)])


def _write(target: IO[bytes] | None, data: bytes) -> None:
    rest = memoryview(data)
    while target is not None and rest:
        rest = rest[target.write(rest) :]


def _output(last: _Running, over: _Over) -> Generator[bytes, None, None]:
    out = last.process.stdout
    while out is not None:
        over.check()
        if not _readable(out, _LOOK_S):
            yield b""
            continue
        data = os.read(out.fileno(), _CHUNK)
        if not data:
            return
        yield data


def _readable(stream: IO[bytes], within_s: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(within_s))


def _wait(running: Sequence[_Running], feeder: _Feeder | None, over: _Over) -> None:
    """Until all have ended: the last may go on after it has closed its output, and the feeder until it notices."""
    for each in running:
        while each.process.poll() is None:
            over.check()
            with suppress(subprocess.TimeoutExpired):
                each.process.wait(_LOOK_S)
    if feeder is not None:
        feeder.stop()
        feeder.join()


def _wait_a_while(running: Sequence[_Running]) -> None:
    end = time.monotonic() + _LEAVE_S
    for each in running:
        with suppress(subprocess.TimeoutExpired):
            each.process.wait(max(0.0, end - time.monotonic()))


def _let_go(running: Sequence[_Running]) -> None:
    """End those that still run, the last one first, so that none takes another's death for the end of its input."""
    left = [each for each in reversed(running) if each.process.poll() is None]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for each in left:
            if each.process.poll() is None:
                each.signal(number)
        _wait_a_while(left)
    for each in running:
        each.close_input()
        if each.process.stdout is not None:
            with suppress(OSError):
                each.process.stdout.close()
