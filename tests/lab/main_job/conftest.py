"""One deployed dev stack for all tests of the main job; what they add they also take away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from stack import Stack

from lab import paths


@pytest.fixture(scope="session")
def first_up() -> str:
    """What `make lab` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "up"], cwd=paths.REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def stack(first_up: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A project folder with the repository's manifests; the repository's own are deployed again at the end."""
    yield Stack.make(tmp_path_factory.mktemp("stack"))
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=paths.REPO, capture_output=True, check=True)
