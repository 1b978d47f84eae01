"""Options and fixtures shared by all tests."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling
from xdist.workermanage import WorkerController

from lab.receiver import BRIDGE, Receiver, receiving

# How long an example takes says what else the machine does.
hypothesis.settings.register_profile("untimed", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("untimed")

# Modules of programs that tests start a thousand times are compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LAB = Path(__file__).parent / "lab"
HOSTS_AT_ONCE = 2
"""Workers that run tests on booted hosts; hosts of more at once starve on two cores, and what users notice is measured."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files with what the code renders now; read the diff before you commit it",
    )
    parser.addoption(
        "--pulumi-kills",
        type=int,
        default=5,
        metavar="N",
        help="updates of the lab whose CLI, plugins or program are killed at random moments (default 5; slow)",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=10,
        metavar="N",
        help="releases on the lab host that are killed at random moments (default 10; slow)",
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


class SharedHosts(LoadScopeScheduling):
    """xdist's distribution of tests: those that share a host go to one worker, all others wherever there is room.

    A folder of the lab's tests has one host; the agent's has one a worker, and its files are told apart. Those of fleets
    share a stack's name, by which tunnels choose their ports. (xdist's own
    `--dist loadgroup` sees no groups under pytest 9.2: it renames tests in a way that has no effect there.)

    Hosts run at two workers at once; the others do what needs none, and then wait.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        taken = next((scope for scope in self.workqueue if self._may_take(node, scope)), None)
        if taken is not None:
            self.workqueue.move_to_end(taken, last=False)
            super()._assign_work_unit(node)

    def _may_take(self, node: WorkerController, scope: str) -> bool:
        others = [work for other, work in self.assigned_work.items() if other is not node]
        return not _has_hosts(scope) or sum(map(_needs_hosts, others)) < HOSTS_AT_ONCE

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        # What a module starts or builds (Caddys, an app) is there once, not once a worker.
        if path.is_relative_to("tests/cases/render") or path.is_relative_to("tests/apps"):
            return str(path)
        if not path.is_relative_to("tests/lab"):
            return nodeid
        if path.parent.name.startswith("fleet"):
            return "fleet"
        return str(path if path.parent.name == "agent" else path.parent)


def _has_hosts(scope: str) -> bool:
    return scope == "fleet" or Path(scope.partition("::")[0]).is_relative_to("tests/lab")


def _needs_hosts(work: Mapping[str, Mapping[str, bool]]) -> bool:
    """Whether tests on hosts are left of a worker's scopes, which say of each test whether it has run."""
    return any(_has_hosts(scope) and not all(tests.values()) for scope, tests in work.items())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedHosts:
    return SharedHosts(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests of the lab run as root on Linux only."""
    if item.path.is_relative_to(LAB):
        item.add_marker(pytest.mark.lab)
    able = platform.system() == "Linux" and os.geteuid() == 0
    if item.get_closest_marker("lab") and not able:
        item.add_marker(pytest.mark.skip(reason="needs root on Linux: it boots hosts"))
