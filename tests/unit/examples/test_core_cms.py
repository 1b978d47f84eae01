"""The demo app's own checks: types, style, unit tests; run by its own tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains

APP = Path(__file__).resolve().parents[3] / "examples" / "core-cms"

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Node on the PATH and the app's packages installed by its lock file."""
    folders = Folders.here()
    cache = {"npm_config_cache": str(folders.cache / "npm"), "NEXT_TELEMETRY_DISABLED": "1"}
    found = {**os.environ, **toolchains.node(folders, Progress()), **cache}
    _npm(["install", "--no-save", "--no-audit", "--no-fund"], found)
    return found


@pytest.mark.parametrize("script", ["typecheck", "lint", "test"])
def test_the_apps_own_checks_pass(environment: dict[str, str], script: str) -> None:
    _npm(["run", script], environment)


def _npm(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["npm", *arguments], cwd=APP, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"npm {' '.join(arguments)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
