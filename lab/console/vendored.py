"""The chart library of the console, as npm has it, and where the page has it.

It is kept in git (55 kB, MIT): whoever runs `pulumi up` has Python and this checkout, no npm. A test holds it to its pin.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from codeb.render.console import SOURCES
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import pins, toolchains

PINS: Final = Path(__file__).with_name("pins.toml")
VENDOR: Final = SOURCES / "vendor"

_FILES: Final = {
    "package/dist/uPlot.iife.min.js": "uplot.js",
    "package/dist/uPlot.min.css": "uplot.css",
    "package/LICENSE": "LICENSE",
}


def vendored(folders: Folders, progress: Progress) -> dict[str, bytes]:
    """Name below `VENDOR` to content, from the pinned package. Raises LabError when npm has another one."""
    package = pins.fetch(pins.load(PINS)["uplot"], folders, progress, toolchains.node(folders, progress))
    return {name: pins.read(package, member) for member, name in _FILES.items()}


def axe(folders: Folders, progress: Progress) -> str:
    """axe-core's script, which says what of a page is inaccessible."""
    package = pins.fetch(pins.load(PINS)["axe-core"], folders, progress, toolchains.node(folders, progress))
    return pins.read(package, "package/axe.min.js").decode()


def write(files: Mapping[str, bytes]) -> None:
    """Puts the files into the page's folder, and takes away what is of no package."""
    VENDOR.mkdir(exist_ok=True)
    for path in VENDOR.iterdir():
        path.unlink()
    for name, content in files.items():
        (VENDOR / name).write_bytes(content)
