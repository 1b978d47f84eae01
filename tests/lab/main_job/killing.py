"""Killing what runs an update: the CLI, a plugin, the language host, the program, or all of them at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.host.processes import wait_until

EVERYTHING = "everything"
CLI = "the CLI"
PROGRAMS = {
    "the language host": "start.py lab.plugins.language",
    "the program": "plugins/program.py",
    "the plugin of command": "start.py lab.plugins.resource command",
    "the plugin of postgresql": "start.py lab.plugins.resource postgresql",
    "the plugin of minio": "start.py lab.plugins.resource minio",
}
"""What a victim's command line has in it."""

VICTIMS = (EVERYTHING, CLI, *PROGRAMS)


@dataclass(frozen=True)
class Update:
    """An update in the background, in a session of its own; it writes its events to a file."""

    process: subprocess.Popen[bytes]
    events: Path

    def wait_for(self, resources: Sequence[str], seconds: float = 60) -> bool:
        """Wait until the step of one of them begins; whether one did before the update ended."""
        wait_until(
            lambda: self.process.poll() is not None or bool(set(resources) & set(self.begun())), seconds
        )
        return bool(set(resources) & set(self.begun()))

    def begun(self) -> list[str]:
        """Names of the resources whose steps have begun, without what stays the same."""
        return [
            event["resourcePreEvent"]["metadata"]["urn"].split("::")[-1]
            for event in self._events()
            if "resourcePreEvent" in event and event["resourcePreEvent"]["metadata"]["op"] != "same"
        ]

    def _events(self) -> Iterator[dict[str, dict[str, dict[str, str]]]]:
        for line in self.events.read_text().splitlines():
            if line.startswith("{") and line.endswith("}"):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:  # the last line is still being written
                    return

    def kill(self, victim: str) -> None:
        """`kill -9`; then wait until the update has ended, however it takes it, and nothing of it is left.

        A victim that does not run yet, or has ended, is not killed.
        """
        started = descendants(self.process.pid)
        cli = [] if self.process.poll() is not None else [self.process.pid]
        if victim == EVERYTHING:
            chosen = [*cli, *started]
        elif victim == CLI:
            chosen = cli
        else:
            chosen = [pid for pid in started if PROGRAMS[victim] in command_line(pid)]
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(120)
        left: list[str] = []
        assert wait_until(lambda: not _pulumi(started, left), 30), f"{victim} was killed and left {left}"


def _pulumi(pids: list[int], found: list[str]) -> bool:
    """Whether any of these processes still is a part of Pulumi; `found` gets their command lines."""
    found[:] = [line for pid in pids if "plugins/" in (line := command_line(pid))]
    return bool(found)


def descendants(root: int) -> list[int]:
    """Process ids of all that a process has started, and what those have."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, open_ = [], [root]
    while open_:
        found += (new := children.get(open_.pop(), []))
        open_ += new
    return found


def command_line(pid: int) -> str:
    """The words of a process, with a space between; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
