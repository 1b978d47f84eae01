"""Somebody at a terminal who runs the real `codeb`, and what there is of his session on the host."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent_lab import AgentHost

from lab import paths

LONGEST_S = 30
_LOOK = """
import glob, os, sys
for path in glob.glob('/proc/[0-9]*/cmdline'):
    try:
        words = open(path, 'rb').read().split(b'\\0')
    except OSError:
        continue
    if sys.argv[1].encode() in words[1:3] and os.path.basename(words[0]) == b'sleep':
        print(path.split('/')[2])
"""


class Terminal:
    """A pseudo-terminal with `codeb` in it."""

    def __init__(self, stack: Path, arguments: tuple[str, ...]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        argv = [str(paths.CODEB), *_with_stack(arguments)]
        self.codeb = subprocess.Popen(
            argv,
            cwd=stack,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str, since: int = 0) -> int:
        """Read until it shows this; where in `seen` it ends."""
        deadline = time.monotonic() + LONGEST_S
        while text not in self.seen[since:]:
            assert time.monotonic() < deadline, f"{text!r} was not shown: {self.seen!r}"
            self._read(0.2)
        return self.seen.index(text, since) + len(text)

    def ended(self) -> int:
        """The exit status, once it has ended."""
        deadline = time.monotonic() + LONGEST_S
        while self.codeb.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.seen!r}"
            self._read(0.2)
        while self._read(0.1):
            pass
        return self.codeb.returncode

    def close(self) -> None:
        """As a window is closed."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def ssh(self) -> int:
        """The process of its `ssh`."""
        return next(
            pid for pid in _children(self.codeb.pid) if Path(f"/proc/{pid}/comm").read_text().strip() == "ssh"
        )

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def seated(stack: Path, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(stack, arguments)
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError):
            os.killpg(terminal.codeb.pid, signal.SIGKILL)
        terminal.codeb.wait()
        terminal.close()


def piped(stack: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """The same without a terminal."""
    argv = [str(paths.CODEB), *_with_stack(arguments)]
    return subprocess.run(
        argv, cwd=stack, input=text, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )


def sleeping(host: AgentHost, seconds: str) -> list[str]:
    """Processes on the host, in containers too, that run `sleep` for so long."""
    return host.sh("python3", "-c", _LOOK, seconds).split()


def _forgets(found: str) -> bool:
    """Whether it is of the timer that deletes what nobody came for: it stays a minute, and its service a moment longer."""
    return ".forget." in found


def left(host: AgentHost) -> list[str]:
    """What there is of sessions on the host."""
    containers = host.sh("podman", "ps", "--all", "--format", "{{.Names}}").split()
    units = host.sh(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "codeb.session.*"
    ).splitlines()
    groups = host.sh("find", "/sys/fs/cgroup", "-name", "codeb.session.*", check=False).split()
    files = host.sh("ls", "/run/codeb/sessions", check=False).split()
    return [
        *(name for name in containers if name.startswith("codeb.session.")),
        *(found for found in (*units, *groups) if not _forgets(found)),
        *files,
    ]


def nothing_left(host: AgentHost, *sleeps: str) -> None:
    """Wait until nothing is; it may take a few seconds."""
    deadline = time.monotonic() + LONGEST_S
    while found := [*left(host), *(pid for each in sleeps for pid in sleeping(host, each))]:
        assert time.monotonic() < deadline, f"left behind: {found}"
        time.sleep(0.3)


def _with_stack(arguments: tuple[str, ...]) -> list[str]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:place], "--stack", "lab", *arguments[place:]]


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
