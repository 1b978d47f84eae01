"""Options and fixtures shared by all tests."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver import BRIDGE, Receiver, receiving

LAB = Path(__file__).parent / "lab"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files with what the code renders now; read the diff before you commit it",
    )
    parser.addoption(
        "--pulumi-kills",
        type=int,
        default=1,
        metavar="N",
        help="updates of the lab whose CLI, plugins or program are killed at random moments (default 1)",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=3,
        metavar="N",
        help="releases on the lab host that are killed at random moments (default 3)",
    )
    parser.addoption(
        "--record",
        action="store_true",
        help="record the conformance cases anew, with the real plugins, which the CLI downloads; read the diff",
    )


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> bool:
    """Whether the conformance cases are to be recorded instead of compared."""
    return bool(request.config.getoption("--record"))


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server for webhooks and Sentry on loopback."""
    with receiving() as found:
        yield found


@pytest.fixture
def lab_receiver() -> Iterator[Receiver]:
    """The same where lab hosts reach it; the lab's bridge must be up."""
    with receiving(BRIDGE) as found:
        yield found


def _sharing(path: Path) -> str:
    """What tests have one host in common: a folder; the agent's a file, as each worker has a host of its own for them."""
    return str(path) if path.parts[0] == "agent" else path.parts[0]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests of the lab run as root on Linux only; those that share a host one after the other, on one of xdist's workers."""
    if item.path.is_relative_to(LAB):
        item.add_marker(pytest.mark.lab)
        item.add_marker(pytest.mark.xdist_group(_sharing(item.path.relative_to(LAB))))
    able = platform.system() == "Linux" and os.geteuid() == 0
    if item.get_closest_marker("lab") and not able:
        item.add_marker(pytest.mark.skip(reason="needs root on Linux: it boots hosts"))
