"""This process's own place: standard input, outputs, terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from agent.host.ports import Argv
from agent.real.runner import SEARCHED

_TERM = re.compile(r"[A-Za-z0-9._+-]{1,40}")


class RealProgram:
    """A child that has inherited standard input and outputs."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._over = select.poll()
        self._handle = os.pidfd_open(child.pid)
        self._over.register(self._handle, select.POLLIN)

    def ended(self, within_s: float) -> int | None:
        if self._child.poll() is None:
            self._over.poll(within_s * 1000)
        code = self._child.poll()
        return 128 - code if code is not None and code < 0 else code

    def signal(self, number: int) -> None:
        self._child.send_signal(number)


class RealSeat:
    """The terminal of this process, or its pipes."""

    def __init__(self) -> None:
        self.terminal = os.isatty(0)
        term = os.environ.get("TERM", "")
        self.term = term if _TERM.fullmatch(term) else "xterm"

    def start(self, argv: Argv, environment: Mapping[str, str]) -> RealProgram:
        """In the session's own process group: the terminal tells it of its new sizes."""
        fixed = {"HOME": "/root", "PATH": SEARCHED, "LANG": "C.UTF-8", "TERM": self.term}
        return RealProgram(subprocess.Popen(list(argv), env={**fixed, **environment}, cwd="/"))

    def quiet_s(self) -> float:
        if not self.terminal:
            return 0
        try:
            facts = os.fstat(0)
        except OSError:
            return 0
        return max(0.0, time.time() - max(facts.st_atime, facts.st_mtime))

    def say(self, text: str) -> None:
        clean = "".join(c if c.isprintable() else "?" for c in text)
        with suppress(OSError):
            sys.stderr.write(f"\r\n{clean}\r\n" if self.terminal else f"{clean}\n")
            sys.stderr.flush()

    def signal(self, processes: Sequence[int], number: int) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.Signals(number))
