"""The host whose uploads come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import host_with_key, install


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """It has a store here and a second one, a key, and a bucket with versions."""
    found = host_with_key(tmp_path)
    install(found)
    found.s3.versions_of["shop-files"] = []
    return found
