"""Programs, run without a shell, in a process group of their own: no key pressed and no line lost ends them.

They stay in the agent's session, so that they have its share of the processor (`agent.program.processor`).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from agent.host.ports import Argv, Result

_KEPT = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_LOOK_S = 1.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RealRunner:
    """Runs programs in a small, fixed environment."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {"HOME": "/root", **kept, "PATH": _PATH, "LANG": "C.UTF-8"}

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=self._environment,
                cwd="/",
                process_group=0,
            )
        except FileNotFoundError:
            return Result(127, err=f"{argv[0]} is not installed")
        with process:
            try:
                return _ended(process, stdin or "", timeout_s, unless)
            except subprocess.TimeoutExpired:
                return Result(124, err=f"{argv[0]} did not end within {timeout_s:g} s")
            except _NobodyWaits:
                return Result(130, err=f"{argv[0]} was ended")
            finally:
                process.kill()  # one that has ended is left alone


class _NobodyWaits(Exception):
    """The program was to end before its time."""


def _ended(
    process: subprocess.Popen[str], stdin: str, timeout_s: float, unless: Callable[[], object]
) -> Result:
    """Raises TimeoutExpired and _NobodyWaits."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        try:
            out, err = process.communicate(stdin, timeout=min(left, _LOOK_S))
        except subprocess.TimeoutExpired:
            if left <= _LOOK_S:
                raise
            if unless():
                raise _NobodyWaits from None
        else:
            return Result(process.returncode, out, err)
