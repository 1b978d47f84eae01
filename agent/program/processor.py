"""Leaving the processor to what serves.

Where the kernel groups processes by session (sched(7), "The autogroup feature"), a nice value only counts inside the
group: it is the group's own that has to be set. What is scheduled as idle, in addition, takes no processor from somebody
who runs when it wakes up, and its processor counts as free when the kernel looks for one. docs/benchmarks.md has figures.
"""

from __future__ import annotations

import os
from typing import Final

_AUTOGROUP: Final = "/proc/self/autogroup"
_LEAST: Final = "19"
_URGENT: Final = ("rollback", "restore-undo", "session", "attach", "end", "ship", "upgrade", "metrics", "ask")
"""The verbs that visitors wait for, those that somebody at a terminal waits for, the one that keeps WAL off the disk, and
those by which people see that all are busy: what is idle may get nothing for a minute then."""


def give_way(verb: str) -> bool:
    """Let this session, with all that it runs, have what others leave of the processor; whether that was possible.

    All verbs do so but those, and they do it before they load what they need. A session with a terminal is
    somebody's shell and stays as it is. A kernel without autogroups, where an idle process could be kept waiting for
    ever, and one that doesn't let us, keep no change of the host from being made.
    """
    if verb in _URGENT or _has_terminal():
        return False
    try:
        with open(_AUTOGROUP, "w") as file:
            file.write(_LEAST)
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        return False
    return True


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
