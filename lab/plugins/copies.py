"""A copy of a stack's settings: the CLI puts the state's salt into the file it reads; the committed one stays as it is."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import yaml


def refresh(settings: Path, copy: Path) -> list[str]:
    """Copy the settings, unless the copy is of just these: then what the CLI wrote there stays.

    Returns what a person should know of settings that only the copy has, or had.
    """
    own = [] if not copy.exists() else _differing(settings, copy)
    if is_fresh(settings, copy):
        return [f"set in a shell of the lab, besides {settings.name}: {', '.join(own)}"] if own else []
    copy.parent.mkdir(parents=True, exist_ok=True)
    _origin(copy).unlink(missing_ok=True)
    shutil.copyfile(settings, copy)
    _origin(copy).write_text(_digest(settings))
    return (
        [f"{settings.name} has changed, and its copy is made anew; what differed there: {', '.join(own)}"]
        if own
        else []
    )


def is_fresh(settings: Path, copy: Path) -> bool:
    """Whether the settings are as they were when they were copied; a copy that was made otherwise is nobody's business."""
    return copy.exists() and _origin(copy).exists() and _origin(copy).read_text() == _digest(settings)


def _differing(settings: Path, copy: Path) -> list[str]:
    """Names of the settings that are not the same in both."""
    one, other = ((yaml.safe_load(path.read_text()) or {}).get("config") or {} for path in (settings, copy))
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _origin(copy: Path) -> Path:
    """Where the digest of what was copied stands."""
    return copy.with_suffix(".origin")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
