"""The verb `version`: which agent this is."""

from __future__ import annotations

import platform

from agent.documents.reader import Reader
from agent.host.ports import Ports
from agent.program import archive


def version(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Hash of the installed sources ("" when it runs from a folder of them) and the version of Python."""
    installed = archive.installed()
    digest = archive.digest(archive.sources(installed)) if installed else ""
    return {"ok": True, "agent": digest, "python": platform.python_version()}
