"""The tools that the load comes from: built once, run until they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host import Lab, commands
from lab.images import toolchains
from lab.load.errors import LoadError

GO_MODULE = Path(__file__).with_name("go")
PACKAGE = "github.com/tsenart/vegeta/v12"
STOP_SECONDS = 20


def build(lab: Lab) -> Path:
    """vegeta for this machine, as pinned by the Go module beside this."""
    return toolchains.go_program(lab.folders, lab.progress, GO_MODULE, PACKAGE, "vegeta")


@dataclass(frozen=True)
class Process:
    """A tool that runs until it is stopped."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls,
        name: str,
        line: Sequence[str],
        log: Path,
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: Path | None = None,
    ) -> Process:
        """Start it in the log's folder, with nothing in its environment that would send it elsewhere (a proxy).

        What it says goes to the log, standard output to a file of its own when there is one.
        """
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(log.parent)}
        with log.open("ab") as said, (stdout or log).open("ab") as out:
            child = subprocess.Popen(
                line, cwd=log.parent, env=env, stdin=stdin, stdout=out, stderr=said, process_group=0
            )
        return cls(name, child, log)

    def check(self) -> None:
        """Raises LoadError when it ended by itself."""
        if self.child.poll() is not None:
            raise self._failed("ended early")

    def stop(self) -> bool:
        """Let it finish what it is at and write what it saw; whether it could, as nothing it waits for hangs.

        Raises LoadError when it did not run to the end.
        """
        early = self.child.poll() is not None
        if not early:
            self.child.send_signal(signal.SIGINT)
        try:
            status = self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        if early or status != 0:
            raise self._failed(f"ended with status {status}")
        return True

    def kill(self) -> None:
        """End it at once."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def _failed(self, how: str) -> LoadError:
        return LoadError(f"{self.name} {how}; end of its output:\n{commands.tail(self.log)}")
