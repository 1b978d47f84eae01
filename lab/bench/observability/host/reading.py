"""Runs on the lab host, by its own Python (`python3 - UNIT…`): what the processes of each unit hold and have used.

By the names of control groups, which each process has: so it does not matter where they are mounted. Prints JSON.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def reading(units: Sequence[str], proc: Path = PROC) -> dict[str, object]:
    """`at` in seconds of a clock that only rises; of the machine bytes of memory and processors; by unit bytes and seconds.

    Memory is the proportional set size: what processes share counts once. Processor time is that of processes that run
    and of children that they have waited for.
    """
    found = {unit: {"processes": 0, "bytes": 0, "cpu_s": 0.0} for unit in units}
    for process in proc.glob("[0-9]*"):
        try:
            unit = next(iter(set(_groups(process)) & set(units)), None)
            if unit is None:
                continue
            size, seconds = _size(process), _cpu_seconds(process)
        except OSError:  # it has ended
            continue
        mine = found[unit]
        mine["processes"] += 1
        mine["bytes"] += size
        mine["cpu_s"] += seconds
    memory = re.search(r"^MemTotal:\s+(\d+) kB", (proc / "meminfo").read_text(), re.M)
    return {
        "at": time.monotonic(),
        "memory": int(memory[1]) * 1024 if memory else 0,
        "processors": os.cpu_count(),
        "busy_s": _busy_seconds(proc),
        "units": found,
    }


def once(command: Sequence[str]) -> dict[str, float]:
    """What one run of a command takes: processor time, and the most memory of its processes. Raises CalledProcessError."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_s": used.ru_utime + used.ru_stime, "bytes": used.ru_maxrss * 1024}


def _groups(process: Path) -> Iterator[str]:
    """The parts of the names of its control groups: /system.slice/prometheus.service/libpod-payload-…"""
    for line in (process / "cgroup").read_text().splitlines():
        yield from line.split(":", 2)[-1].split("/")


def _size(process: Path) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


def _cpu_seconds(process: Path) -> float:
    after_name = (process / "stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in after_name[11:15]) / TICKS


def _busy_seconds(proc: Path) -> float:
    """Of all processors since the machine's start, but idle ones and those that wait for a disk; guests are in user time."""
    line = (proc / "stat").read_text().splitlines()[0].split()
    user, nice, system, _idle, _waiting, *rest = (int(each) for each in line[1:])
    return (user + nice + system + sum(rest[:2])) / TICKS


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(once(given[1:]) if given[0] == "--once" else reading(given)))
