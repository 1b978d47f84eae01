"""The console: a static page on edges, which asks Prometheus through Caddy (`caddy/_console.j2`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from codeb import names
from codeb.render.bundle import Directory, HostBundle, HostFile

FOLDER: Final = f"{names.CADDY_DIR}/console"
"""Where Caddy finds the page: below the one folder that its container sees anyway."""

SOURCES: Final = Path(__file__).parent.parent / "data" / "console"


def console_files() -> HostBundle:
    """The page's files, the same for every stack. Caddy reads them when asked, so a new page reloads nothing."""
    texts = _texts()
    folders = {FOLDER, *(f"{FOLDER}/{name}".rpartition("/")[0] for name in texts)}
    return HostBundle(
        directories=tuple(Directory(folder) for folder in sorted(folders)),
        files=tuple(HostFile(f"{FOLDER}/{name}", text) for name, text in texts.items()),
    )


@cache
def _texts() -> dict[str, str]:
    """By path below the folder."""
    found = sorted(path for path in SOURCES.rglob("*") if path.is_file())
    return {path.relative_to(SOURCES).as_posix(): path.read_text(encoding="utf-8") for path in found}
