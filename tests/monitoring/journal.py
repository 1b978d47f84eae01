"""Hosts as far as their journal goes: a real journald with socket, files and boot of its own, and no machine around it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.host import Lab, Progress
from tests.monitoring.processes import eventually, program
from tests.plugins.processes import end

JOURNALD = Path("/lib/systemd/systemd-journald")
_SCRIPT = Path(__file__).with_name("journal.sh")
# Counts up by one a line, some hundred a second, until it is ended; then it says how many there were.
_COUNTER = """
import signal, socket, sys, time
on = [True]
signal.signal(signal.SIGTERM, lambda *_: on.clear())
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while journal.connect_ex("/run/systemd/journal/socket"):
    time.sleep(0.01)
count = int(sys.argv[1])
while on:
    journal.send(f"MESSAGE={count}\\nSYSLOG_IDENTIFIER=counter\\nPRIORITY=6\\n".encode())
    count += 1
    time.sleep(0.002)
print(count)
"""


@dataclass(frozen=True)
class Host:
    """One boot of it. `root` is where a collector finds the host's files, as seen by what is run here."""

    root: Path
    process: subprocess.Popen[bytes]

    def line(self, *words: str | Path) -> list[str]:
        """A command as one of this host."""
        return ["nsenter", f"--target={self.process.pid}", "--mount", "--", *map(str, words)]

    def count(self, first: int) -> subprocess.Popen[str]:
        """Something that logs numbers from `first` on."""
        return subprocess.Popen(
            self.line("/usr/bin/python3", "-c", _COUNTER, str(first)), stdout=subprocess.PIPE, text=True
        )


def counted(counter: subprocess.Popen[str]) -> int:
    """End a counter; the number that would have been next."""
    counter.terminate()
    out, _ = counter.communicate(timeout=10)
    return int(out)


@contextmanager
def booted(folder: Path) -> Iterator[Host]:
    """A boot of the host whose journal is below `folder`; another one has the journal of those before it, too."""
    if os.geteuid() != 0 or not JOURNALD.exists() or shutil.which("nsenter") is None:
        pytest.skip("needs root, systemd's journald and nsenter")
    mount = folder / "root"
    mount.mkdir(parents=True, exist_ok=True)
    root = Lab.here(Progress(lambda _line: None)).rootfs()
    words = [root, mount, str(uuid.uuid4()), folder]
    line = ["unshare", "--mount", "--propagation=private", "--", "sh", str(_SCRIPT), *map(str, words)]
    with (folder / "journald.log").open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        host = Host(mount, process)
        socket = Path(f"/proc/{process.pid}/root/run/systemd/journal/socket")
        deadline = time.monotonic() + 20
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "journald.log").read_text())
            time.sleep(0.05)
        yield host
    finally:
        end(process)


class Collecting:
    """A collector of a host, which can be ended and started again."""

    def __init__(self, host: Host, configuration: Path, log: Path, *options: str) -> None:
        self._line = host.line(program("collector"), "--config", configuration, *options)
        self._log = log
        log.touch()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment: Mapping[str, str] = {"PATH": "/usr/bin:/bin"}
        with self._log.open("ab") as log:
            return subprocess.Popen(self._line, stdout=log, stderr=log, env=environment)

    def kill(self) -> None:
        """As the kernel does when memory is short, and start another one."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = self._start()

    def reload(self) -> None:
        """As its unit does: what reads ends first, which it starts anew."""
        self._end_readers()
        self.process.send_signal(signal.SIGHUP)

    def begins(self) -> int:
        """How often it has begun, by its log, where that tells more than warnings. What has not begun a reload would end."""
        return self._log.read_text().count("Everything is ready")

    def stop(self) -> None:
        """End it as its unit does: what reads first, then, when all that was read is on its way, the rest."""
        self._end_readers()
        end(self.process)

    def _end_readers(self) -> None:
        eventually("what reads", lambda: _children(self.process.pid))
        for reader in _children(self.process.pid):
            os.kill(reader, signal.SIGKILL)
        time.sleep(0.5)


def _children(parent: int) -> list[int]:
    """Processes that it started, whichever of its threads did."""
    each = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for path in each for child in path.read_text().split()]


def numbers(lines: list[dict[str, str]]) -> list[int]:
    """The counter's, as the log store has them."""
    return sorted(int(line["_msg"]) for line in lines)
