"""Programs, run without a shell, in a process group of their own: no key pressed and no line lost ends them.

They stay in the agent's session, so that they have its share of the processor (`agent.program.processor`).
"""

from __future__ import annotations

import os
import subprocess

from agent.host.ports import Argv, Result

_KEPT = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RealRunner:
    """Runs programs in a small, fixed environment."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {"HOME": "/root", **kept, "PATH": _PATH, "LANG": "C.UTF-8"}

    def run(self, argv: Argv, *, stdin: str | None = None, timeout_s: float = 60) -> Result:
        try:
            done = subprocess.run(
                list(argv),
                input=stdin or "",
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout_s,
                env=self._environment,
                cwd="/",
                check=False,
                process_group=0,
            )
        except FileNotFoundError:
            return Result(127, err=f"{argv[0]} is not installed")
        except subprocess.TimeoutExpired:
            return Result(124, err=f"{argv[0]} did not end within {timeout_s:g} s")
        return Result(done.returncode, done.stdout, done.stderr)
