"""Prometheus' own tool, which checks queries and rules, and works queries out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.host.paths import Folders
from lab.images.monitoring.programs import there


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What it says; skips the test on a machine that has none."""
    return subprocess.run(
        [found("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def found(name: str) -> str | Path:
    """A program of monitoring: the one of the PATH, else the lab's own when that is built."""
    program = shutil.which(name) or there(name, Folders.here())
    if program is None:
        pytest.skip(f"needs {name}: `make lab` builds it")
    return program
