"""The machine's own Chromium: its program, and how it learns where the lab's hosts are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Final

from lab.host.errors import LabError

PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""What Debian and others call it, in the order of preference."""


def found() -> str | None:
    """Path of the program; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def program() -> str:
    """Path of the program. Raises LabError where there is none."""
    path = found()
    if path is None:
        raise LabError(
            "there is no Chromium on this machine",
            "install Debian's package chromium-headless-shell or chromium: browsers can't be downloaded",
        )
    return path


def rules(names: Sequence[str], address: str) -> str:
    """Chromium's resolver rules: these host names (`*.lab.test` too) are at an address, and no other is anywhere."""
    return ", ".join([*(f"MAP {name} {address}" for name in names), "MAP * ~NOTFOUND"])


def arguments(names: Sequence[str], address: str) -> list[str]:
    """Switches by which that is so."""
    return [f"--host-resolver-rules={rules(names, address)}", "--no-sandbox"]
