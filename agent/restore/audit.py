"""Lines of the audit log."""

from __future__ import annotations

import json

from agent.host import paths
from agent.host.ports import Ports


def audited(ports: Ports, project: str, act: str, what: str, by: str) -> None:
    """Note who did what, and when. Raises Unwritable."""
    at = f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    line = {"project": project, "at": at, "outcome": act, "what": what, "by": by}
    ports.files.append(paths.AUDIT, json.dumps(line, sort_keys=True), 0o600)
    ports.journal.log(f"{act}: {project}: {what}")
