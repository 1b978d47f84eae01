"""A breath between heavy steps, so that visitors' requests which queued up during one are answered before the next.

Podman takes all of a small host's processor for half a second to remove a container, and again to start one.
docs/benchmarks.md has figures.
"""

from __future__ import annotations

from typing import Final

from agent.ports import Ports

STAT: Final = "/proc/stat"
"""Its first line: ticks since boot, idle ones fourth, those waiting for the disk fifth (proc_stat(5))."""
MOST_S: Final = 2.0
_LOOK_S: Final = 0.2
_IDLE: Final = 1 / 3


def wait(ports: Ports) -> None:
    """Wait until a third of the processor is idle, at most MOST_S: a host that is busy all the time gets no less."""
    before = _ticks(ports)
    for _ in range(round(MOST_S / _LOOK_S)):
        if before is None:
            return
        ports.clock.sleep(_LOOK_S)
        now = _ticks(ports)
        if now is None or now[0] - before[0] >= _IDLE * (now[1] - before[1]):
            return
        before = now


def _ticks(ports: Ports) -> tuple[int, int] | None:
    """Idle ticks and all of them; None where the kernel doesn't say."""
    words = (ports.files.read(STAT) or b"").split(b"\n")[0].split()[1:9]
    if len(words) < 5 or not all(word.isdigit() for word in words):
        return None
    ticks = [int(word) for word in words]
    return ticks[3] + ticks[4], sum(ticks)
