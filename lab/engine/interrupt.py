"""Ctrl-C: the first asks for an orderly end, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


@contextmanager
def interruptible(cancel: Callable[[], None], lock: Path | None) -> Iterator[None]:
    """Call `cancel` on the first SIGINT or SIGTERM; on the second give back `lock` and end.

    Nothing is lost by that: what was done is in the journal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            if lock is not None:
                lock.unlink(missing_ok=True)
            os._exit(128 + number)
        asked.set()
        # In a thread: the interrupted code may hold the locks that cancelling needs.
        threading.Thread(target=cancel, daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
