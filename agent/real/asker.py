"""Whoever asked: the session that this process answers to."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Final

_WORDS: Final = {
    signal.SIGINT: "Ctrl-C was pressed",
    signal.SIGTERM: "the agent was asked to end (SIGTERM)",
    signal.SIGHUP: "the terminal was closed",
}
ENDED: Final = "the session that asked for it has ended (Ctrl-C, or its connection broke)"


class RealAsker:
    """Signals, and the other ends of both outputs: sshd tells a process without a terminal nothing, but closes them."""

    def __init__(self) -> None:
        self._said = ""
        self._outputs: select.poll | None = None
        self._lock = (
            threading.Lock()
        )  # a pipeline and its source ask at the same time, which poll() can't bear

    def watch(self) -> None:
        self._outputs = select.poll()
        for stream in (sys.stdout, sys.stderr):
            self._outputs.register(stream.fileno(), 0)  # a hang-up is told in any case
        for number in _WORDS:
            signal.signal(number, self._signalled)

    def gone(self) -> str:
        if not self._said and self._outputs is not None:
            with self._lock:
                events = [event for _, event in self._outputs.poll(0)]
            if any(event & (select.POLLHUP | select.POLLERR) for event in events):
                self._said = ENDED
        return self._said

    def key(self) -> str:
        """sshd tells it in a file of the session (`ExposeAuthInfo`). Certificates are in no list of keys."""
        try:
            lines = Path(os.environ.get("SSH_USER_AUTH", "")).read_text().splitlines()
        except (OSError, ValueError):
            return ""
        used = [line.split()[1:3] for line in lines if line.startswith("publickey ")]
        return next((" ".join(key) for key in used if "-cert-" not in key[0]), "")

    def _signalled(self, number: int, _: object) -> None:
        self._said = _WORDS[signal.Signals(number)]
