"""The own tests of the app that the lab's tests and benchmarks release."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.apps import PROBE
from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains

pytestmark = pytest.mark.lab


def test_the_bench_app_s_own_tests_pass(tmp_path: Path) -> None:
    folders = Folders.here()
    environment = {
        **os.environ,
        **toolchains.node(folders, Progress()),
        "npm_config_cache": str(folders.cache / "npm"),
    }
    app = tmp_path / "app"
    shutil.copytree(PROBE.sources, app, ignore=shutil.ignore_patterns("node_modules"))
    for words in (["npm", "install", "--no-save", "--no-audit", "--no-fund"], ["npm", "test"]):
        done = subprocess.run(words, cwd=app, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
