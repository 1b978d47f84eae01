"""Builds the agent as one file: a zipapp of these modules, the same bytes for the same sources."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

from agent.program import archive

SHEBANG: Final = b"#!/usr/bin/python3 -IS\n"
"""The host's own Python without its site packages: nothing but the standard library, and a faster start."""
_FOLDER: Final = Path(__file__).parents[1]
_THEN: Final = (2026, 1, 1, 0, 0, 0)
_LEFT_OUT: Final = frozenset({Path(__file__)})


def sources() -> dict[str, bytes]:
    """Name in the archive → content, in order."""
    found = {
        f"agent/{path.relative_to(_FOLDER).as_posix()}": path.read_bytes()
        for path in sorted(_FOLDER.rglob("*"))
        if path.suffix in archive.KINDS and path not in _LEFT_OUT
    }
    return {"__main__.py": found["agent/__main__.py"], **found}


def zipapp() -> bytes:
    """The file to install as `agent.pyz`."""
    made = io.BytesIO()
    made.write(SHEBANG)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, content in sources().items():
            entry = zipfile.ZipInfo(name, _THEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            out.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return made.getvalue()


def version() -> str:
    """Hash of the sources: the same on every machine, whatever its zlib; what a trigger should watch."""
    return archive.digest(sources())
