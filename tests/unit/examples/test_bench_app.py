"""The own tests of the app that the lab's tests and benchmarks release."""

from __future__ import annotations

import os
import subprocess

import pytest

from lab.apps import PROBE
from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains

pytestmark = pytest.mark.lab


def test_the_bench_app_s_own_tests_pass() -> None:
    environment = {**os.environ, **toolchains.node(Folders.here(), Progress())}
    done = subprocess.run(
        ["npm", "test"], cwd=PROBE.sources, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
