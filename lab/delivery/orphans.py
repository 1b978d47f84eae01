"""Processes that a run left behind, found as GitHub's runner finds them: by a variable that all of a run's processes carry.

Source: actions/runner, `JobExtension.cs` ("Cleaning up orphan processes", RUNNER_TRACKING_ID).
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

TRACKING: Final = "RUNNER_TRACKING_ID"
_PATIENCE_S: Final = 5.0
_PAUSE_S: Final = 0.05


def find(tracking: str) -> list[int]:
    """Process ids of those of this user that carry it."""
    wanted = f"{TRACKING}={tracking}".encode()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if wanted in _environment(pid)]


def end(tracking: str) -> None:
    """Ask them to end, and kill those that don't, and what those have started meanwhile."""
    began, signals = time.monotonic(), {signal.SIGTERM: _PATIENCE_S, signal.SIGKILL: 2 * _PATIENCE_S}
    for what, until in signals.items():
        asked: set[int] = set()
        while (left := set(find(tracking))) and time.monotonic() - began < until:
            for pid in left - asked:
                _send(pid, what)
            asked |= left
            time.sleep(_PAUSE_S)


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return
