"""What a killed run leaves: its lock, and creations of which nobody knows whether they happened."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.host.cache import write_atomically
from lab.plugins.pending import PENDING_VARIABLE

Edit = Callable[[dict[str, Any]], dict[str, Any]]
"""From a deployment to a deployment."""


def unlock(backend: Path, project: str, stack: str) -> Iterator[str]:
    """Remove the locks of runs on this machine whose process is gone; says so for each. Other locks stay."""
    for path in sorted((backend / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json")):
        try:
            lock = json.loads(path.read_text())
        except FileNotFoundError:  # its run has just ended
            continue
        if lock["hostname"] == socket.gethostname() and not _runs(lock["pid"]):
            path.unlink(missing_ok=True)
            yield f"lab: a run (process {lock['pid']}) was killed and left its lock on {stack}; removed"


def _runs(pid: int) -> bool:
    """Whether a CLI runs with this process id; another program may have got it since."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("pulumi")
    except OSError:
        return False


@dataclass(frozen=True)
class Creations:
    """Creations that killed runs began. The CLI keeps them in the state as pending and would make everything once more.

    They are written to `noted`, then taken out of the state; the plugins are told where `noted` is, ask the server what is
    there and take it over. They are forgotten when an update went well.
    """

    state: Path
    noted: Path

    def set_aside(self, edit_state: Callable[[Edit], None]) -> None:
        """Move them from the state to `noted`. A kill in between leaves both, which is the same to the next run."""
        if not (pending := self._pending()):
            return
        before = self.noted.read_text().split() if self.noted.exists() else []
        write_atomically(self.noted, "".join(f"{urn}\n" for urn in sorted({*before, *pending})))
        edit_state(_without_creates)

    def environment(self) -> dict[str, str]:
        """For the CLI, whose plugins inherit it."""
        return {PENDING_VARIABLE: str(self.noted)} if self.noted.exists() else {}

    def forget(self) -> None:
        self.noted.unlink(missing_ok=True)

    def _pending(self) -> list[str]:
        if not self.state.exists():
            return []
        deployment = json.loads(self.state.read_text())["checkpoint"].get("latest") or {}
        return [
            item["resource"]["urn"]
            for item in deployment.get("pending_operations") or ()
            if item["type"] == "creating"
        ]


def _without_creates(deployment: dict[str, Any]) -> dict[str, Any]:
    operations = deployment.get("pending_operations") or []
    return deployment | {"pending_operations": [item for item in operations if item["type"] != "creating"]}
