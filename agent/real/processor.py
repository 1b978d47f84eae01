"""Leaving the processor to what serves.

Where the kernel groups processes by session (sched(7), "The autogroup feature"), a nice value only counts inside the
group: it is the group's own that has to be set. docs/benchmarks.md has figures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_AUTOGROUP: Final = Path("/proc/self/autogroup")
_LEAST: Final = "19"


def give_way() -> bool:
    """Let this session, with all that it runs, have what others leave of the processor; whether that was possible.

    A session with a terminal is somebody's shell and stays as it is. A kernel without autogroups, and one that doesn't
    let us, keep no change of the host from being made.
    """
    if _has_terminal():
        return False
    try:
        _AUTOGROUP.write_text(_LEAST)
    except OSError:
        return False
    return True


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
