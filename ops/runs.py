"""A preview or an update of a stack as those see it who only watch: events, an end, and a way to end it early.

Who makes it run is `ops.automation`, or what stands in for it in tests.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock, Timer
from typing import Final, Literal, Protocol

Verb = Literal["preview", "up", "refreshed-preview"]
"""`refreshed-preview`: a preview on what is there now instead of what the state remembers; it writes no state either."""
Severity = Literal["info", "warning", "error"]
_ENDS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, order=True)
class Step:
    """What happens to one resource, in Pulumi's words: `update`, `create`, `delete`, `replace`, …"""

    resource: str
    op: str
    type: str


@dataclass(frozen=True)
class Said:
    """A message of the program or of a plugin; `resource` is the one it is about, "" for the stack as a whole."""

    severity: Severity
    text: str
    resource: str = ""


@dataclass(frozen=True)
class StepFailed:
    """A step that was not brought about."""

    step: Step


Event = Step | Said | StepFailed
Watch = Callable[[Event], None]


@dataclass(frozen=True)
class Ended:
    """How a run ended. `problem` are the CLI's own words for a failure that no event told, "" for none.

    `locked`: another run has the stack, so that this one did nothing.
    """

    ok: bool
    problem: str = ""
    interrupted: bool = False
    locked: bool = False


class Run:
    """One run, and the wish that it end early: at the next step's end, with the state written and no lock left.

    The CLI listens for that as soon as it tells its first event; a signal before would end it on the spot, perhaps with
    its lock.
    """

    def __init__(self) -> None:
        self._lock = RLock()  # a signal may come while this very thread has it
        self._child: subprocess.Popen[str] | None = None
        self._listens = False
        self._wanted = False
        self._told = False

    @property
    def ending(self) -> bool:
        """Whether somebody wants it to end."""
        return self._wanted

    def end(self) -> None:
        """Ask for the end; asking again changes nothing."""
        with self._lock:
            self._wanted = True
            self._tell()

    def listens(self) -> None:
        """The CLI has told something."""
        with self._lock:
            self._listens = True
            self._tell()

    @contextmanager
    def of(self, child: subprocess.Popen[str]) -> Iterator[None]:
        """This process is the CLI meanwhile."""
        with self._lock:
            self._child, self._listens, self._told = child, False, False
        try:
            yield
        finally:
            with self._lock:
                self._child = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """It is to end when its time runs out."""
        timer = Timer(seconds, self.end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _tell(self) -> None:
        if self._wanted and self._listens and self._child is not None and not self._told:
            self._told = True
            self._child.send_signal(signal.SIGINT)


@contextmanager
def ended_by_signals(run: Run) -> Iterator[None]:
    """Ctrl-C, and what GitHub sends to a job that somebody cancels, end the run in order meanwhile."""
    before = {number: signal.signal(number, lambda *_: run.end()) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Runner(Protocol):
    """`ops.automation.run`, or what stands in for it in tests."""

    def __call__(self, folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
        """Do it, telling each event. Raises PulumiError when it can't begin."""
