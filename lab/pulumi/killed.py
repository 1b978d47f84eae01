"""What a killed CLI leaves in a file backend: its lock, a half-written sidecar, and creations that it had begun."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CREATING: Final = "creating"
ATTRIBUTES: Final = ".attrs"


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


def broken_sidecars(backend: Path, project: str, stack: str) -> Iterator[str]:
    """Remove attribute files that a killed CLI had only begun; says so for each.

    A file backend keeps each file's content type and checksum in `NAME.attrs` beside it (gocloud.dev, `fileblob`). It
    writes that one in place, before it renames the file itself: after a kill in between every command ends with `EOF`.
    Without the attribute file the file is read as it is.
    """
    folder = backend / ".pulumi" / "stacks" / project
    for path in sorted(folder.glob(f"{stack}.*{ATTRIBUTES}")):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            path.unlink(missing_ok=True)
            yield f"lab: a run was killed while it wrote {path.name}; removed, the state beside it is whole"


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
