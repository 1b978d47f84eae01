"""What the page has of others is what is pinned, byte for byte."""

from __future__ import annotations

import pytest

from lab.console.vendored import VENDOR, vendored
from lab.host import Progress
from lab.host.paths import Folders

pytestmark = pytest.mark.lab


def test_the_vendored_files_are_those_of_the_pinned_package() -> None:
    here = {path.name: path.read_bytes() for path in VENDOR.iterdir()}
    assert here == vendored(Folders.here(), Progress()), "run `.lab/venv/bin/python -m lab.console`"
