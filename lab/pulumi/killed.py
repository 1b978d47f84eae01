"""What a killed CLI leaves in a file backend: its lock, and creations that it had begun."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CREATING: Final = "creating"


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


def pending_creates(state: Path) -> bool:
    """Whether a state file has creations that a killed CLI had begun: the CLI warns of them at each run, for ever."""
    if not state.exists():
        return False
    deployment = json.loads(state.read_text())["checkpoint"].get("latest") or {}
    return any(item["type"] == CREATING for item in deployment.get("pending_operations") or ())


def without_creates(deployment: dict[str, Any]) -> dict[str, Any]:
    """A deployment without them. What is there is the plugins' business, who note what they create."""
    operations = deployment.get("pending_operations") or []
    return deployment | {"pending_operations": [item for item in operations if item["type"] != CREATING]}
