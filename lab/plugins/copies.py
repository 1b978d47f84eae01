"""A copy of a stack's settings: the CLI puts the state's salt into the file it reads; the committed one stays as it is."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path


def refresh(settings: Path, copy: Path) -> None:
    """Copy the settings, unless the copy is of just these: then what the CLI wrote there stays."""
    if is_fresh(settings, copy):
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    _origin(copy).unlink(missing_ok=True)
    shutil.copyfile(settings, copy)
    _origin(copy).write_text(_digest(settings))


def is_fresh(settings: Path, copy: Path) -> bool:
    """Whether the settings are as they were when they were copied; a copy that was made otherwise is nobody's business."""
    return copy.exists() and _origin(copy).exists() and _origin(copy).read_text() == _digest(settings)


def _origin(copy: Path) -> Path:
    """Where the digest of what was copied stands."""
    return copy.with_suffix(".origin")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
