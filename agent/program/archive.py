"""The agent's own file: a zip archive of modules with a line in front that names Python, and the verb `precompile`.

Python keeps no compiled code of modules that it loads from an archive, so it compiled all of them at every call: a third
of what a call takes before it does anything. What an archive holds compiled it loads, if it was this Python's version
that compiled it; otherwise it takes the source beside it (Lib/zipimport.py, `_get_module_code`).
"""

from __future__ import annotations

import hashlib
import io
import os
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host.ports import Ports

KINDS: Final = (".py", ".sql")
"""What belongs to the agent."""


def digest(sources: Mapping[str, bytes]) -> str:
    """Hash of sources (name in the archive → content): the same on every machine, compiled or not."""
    found = hashlib.sha256()
    for name, content in sources.items():
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def installed() -> Path | None:
    """The archive that this process runs from; None when it runs from a folder of sources."""
    path = Path(sys.argv[0])
    return path if zipfile.is_zipfile(path) else None


def sources(archive: Path) -> dict[str, bytes]:
    """Name → content of the modules in it, and of the SQL that some read, in order."""
    with zipfile.ZipFile(archive) as given:
        return {name: given.read(name) for name in given.namelist() if name.endswith(KINDS)}


def precompile(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Put compiled modules beside the sources, in one rename. Raises Failed when run from a folder."""
    archive = installed()
    if archive is None:
        raise Failed(
            "precompile", "this agent runs from a folder of sources", "run the installed codeb-agent"
        )
    modules = sources(archive)
    made = archive.with_name(f"{archive.name}.compiled")
    made.write_bytes(archive.read_bytes().partition(b"\n")[0] + b"\n" + _with_compiled(modules))
    made.chmod(0o755)
    os.replace(made, archive)
    return {"ok": True, "modules": len(modules)}


def _with_compiled(modules: Mapping[str, bytes]) -> bytes:
    """An archive, nothing in it compressed: it is read at every call."""
    archive = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        source, compiled = Path(folder) / "source.py", Path(folder) / "compiled.pyc"
        for name, content in modules.items():
            out.writestr(zipfile.ZipInfo(name), content)
            if not name.endswith(".py"):
                continue
            source.write_bytes(content)
            unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(source), str(compiled), name, doraise=True, invalidation_mode=unchecked)
            out.writestr(zipfile.ZipInfo(f"{name}c"), compiled.read_bytes())
    return archive.getvalue()
