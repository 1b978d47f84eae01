"""Progress for people (a line when a step starts, one when it is done) and timings for the benchmark."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


T = TypeVar("T")


def background(work: Callable[[], T]) -> Future[T]:
    """Start work in a thread that does not keep a failing run from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 handed over to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Progress:
    """Collects how long each step took and tells somebody. Safe to use from several threads."""

    def __init__(self, tell: Callable[[str], None] = _print) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self.timings: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Tell one line."""
        with self._lock:
            self._tell(line)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; its seconds are in ``timings[name]`` when it has ended, well or not."""
        started = time.monotonic()
        self.say(f"lab: {name} …")
        outcome = "failed after"
        try:
            yield
            outcome = "done in"
        finally:
            seconds = time.monotonic() - started
            with self._lock:
                self.timings[name] = round(self.timings.get(name, 0.0) + seconds, 2)
            self.say(f"lab: {name} {outcome} {seconds:.1f} s")
