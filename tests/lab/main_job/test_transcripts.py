"""The transcripts of the documentation, replayed in order on the lab's stack: what they say is what commands say."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack import Stack

from lab import paths
from lab.host.processes import wait_until
from tests.transcripts import difference, steps

pytestmark = pytest.mark.lab

PAGES = [page for page in sorted((paths.REPO / "docs").glob("*.md")) if steps(page)]
_SECONDS = 240


@pytest.fixture
def folder(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """The repository's manifests, freshly deployed; the tests' own are afterwards."""
    assert stack.up().status == 0
    archived = wait_until(lambda: "archive" not in stack.codeb("status").stdout, 120)
    assert archived, "after a reboot the archive is behind for some seconds, and status says so"
    yield Stack.make(tmp_path)
    assert stack.up().status == 0


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_s_transcripts_are_true(folder: Stack, page: Path) -> None:
    environment = {**os.environ, **folder.pulumi.environment(), "LANG": "C.UTF-8"}
    environment["PATH"] = f"{paths.CODEB.parent}:{environment['PATH']}"
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(screen, None)
    folder.pulumi.open()
    wrong = []
    for step in steps(page):
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        wrong += [text] if (text := difference(step, done.stdout)) else []
    assert not wrong, "\n\n".join(["the page says otherwise than the commands:", *wrong])
