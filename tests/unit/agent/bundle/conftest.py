"""The host that bundles are applied to."""

from __future__ import annotations

import pytest

from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(packages=["podman"], images={"r:1": App(), "r:2": App()}, caddy=False)
