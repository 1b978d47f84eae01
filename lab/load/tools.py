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
    """A tool that runs until it is stopped; `ended` are its exit statuses then."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path
    ended: Sequence[int] = (0,)

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
        if early or status not in self.ended:
            raise self._failed(f"ended with status {status}")
        return True

    def kill(self) -> None:
        """End it at once."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def _failed(self, how: str) -> LoadError:
        return LoadError(f"{self.name} {how}; end of its output:\n{commands.tail(self.log)}")


def environment(home: Path) -> dict[str, str]:
    """What a tool needs of the environment, and nothing that would send it elsewhere (a proxy)."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
