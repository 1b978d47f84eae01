"""act, built once, and a world a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.delivery import act
from lab.host import Lab
from lab.images import toolchains
from tests.delivery.world import World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.act)


@pytest.fixture(scope="session")
def program() -> Path:
    """act: two minutes when nobody has built it on this machine."""
    return act.build(Lab.here())


@pytest.fixture(scope="session")
def node() -> dict[str, str]:
    """Variables with which Node is on the PATH."""
    lab = Lab.here()
    return toolchains.node(lab.folders, lab.progress)


@pytest.fixture
def world(tmp_path: Path, program: Path, node: dict[str, str]) -> World:
    """Repositories with a first commit."""
    runner = act.Act(program, tmp_path / "repositories", tmp_path / "act")
    return World(tmp_path, runner, node)
