"""One deployed dev stack for all tests of the main job; what they add they also take away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from stack import Stack
from visitors import APP, NAME, Visitors, manifest, visiting

from lab import paths
from lab.apps import PROBE
from lab.receiver import BRIDGE, Receiver, receiving


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
    found = Stack.make(tmp_path_factory.mktemp("stack"))
    PROBE.push(found.lab)
    yield found
    subprocess.run([sys.executable, "-m", "lab", "up"], cwd=paths.REPO, capture_output=True, check=True)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving(BRIDGE) as found:
        yield found


@pytest.fixture(scope="module")
def watched(stack: Stack, receiver: Receiver) -> Iterator[Stack]:
    """The stack with the app, whose alerts go to the receiver."""
    stack.lab.push_app(APP, "tests/watched", "1")
    stack.configure(notifications={"webhook": f"{receiver.url}/hook"})
    stack.write(NAME, manifest())
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    stack.remove(NAME)
    stack.configure()
    assert stack.up().status == 0


@pytest.fixture(scope="module")
def visitors(watched: Stack) -> Iterator[Visitors]:
    with visiting() as found:
        yield found
