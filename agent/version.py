"""The verb `version`: which agent this is."""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path

from agent.ports import Ports
from agent.reader import Reader


def version(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Hash of the installed file ("" when it runs from sources) and the version of Python."""
    installed = Path(sys.argv[0])
    content = installed.read_bytes() if installed.suffix != ".py" and installed.is_file() else b""
    digest = hashlib.sha256(content).hexdigest() if content else ""
    return {"ok": True, "agent": digest, "python": platform.python_version()}
