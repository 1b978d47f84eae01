"""Options and fixtures shared by all tests."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

LAB = Path(__file__).parent / "lab"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files with what the code renders now; read the diff before you commit it",
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lab tests share one machine's bridge and hosts: they run one after the other, and as root on Linux only."""
    able = platform.system() == "Linux" and os.geteuid() == 0
    for item in items:
        if item.path.is_relative_to(LAB):
            item.add_marker(pytest.mark.xdist_group("lab"))
            item.add_marker(pytest.mark.lab)
        if item.get_closest_marker("lab") and not able:
            item.add_marker(pytest.mark.skip(reason="needs root on Linux: it boots hosts"))
