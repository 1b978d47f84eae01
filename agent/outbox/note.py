"""The verb `note`: an act that goes past the agent, such as a deployment that somebody approved, is in the audit log too."""

from __future__ import annotations

import json
import re
from typing import Final

from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports

_WORD: Final = re.compile(r"[a-z][a-z-]{0,39}")
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def note(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Add a line to the audit log. Raises BadDocument."""
    document.version()
    line = {
        "act": document.text("act", _WORD),
        "what": document.text("what", _LINE),
        "by": document.text("by", _LINE, default="") or by,
        "why": document.text("why", _LINE, default="-"),
        "at": ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    document.end()
    ports.files.append(paths.AUDIT, json.dumps(line, sort_keys=True), 0o600)
    return {"ok": True}
