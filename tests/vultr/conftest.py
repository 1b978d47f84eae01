"""Stacks at the simulated Vultr, on the real CLI. An account each, so that tests don't see each other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lab.bench.by_hand import host_zone
from lab.bench.fleets import BALANCED, FleetStack
from lab.host import Lab
from lab.pulumi.cli import Cli, cli
from lab.vultr.settings import Settings
from lab.vultr.simulator import Simulator

Make = Callable[..., FleetStack]


@pytest.fixture(scope="session")
def built() -> Cli:
    lab = Lab.here()
    return cli(lab.folders, lab.progress, ())


@pytest.fixture(scope="module")
def vultr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(tmp_path_factory.mktemp("vultr")) as simulator:
        yield simulator


@pytest.fixture
def make(built: Cli, vultr: Simulator, tmp_path: Path) -> Make:
    """Makes stacks; those of one account share its zone."""

    def stack(name: str = "one", account: str | None = None, **settings: Any) -> FleetStack:
        account = account or tmp_path.name.replace("_", "-")
        vultr.accounts.ensure(account)
        host_zone(vultr, account)
        return FleetStack.make(built, tmp_path / name, vultr, {**BALANCED, **settings}, account=account)

    return stack


@pytest.fixture(autouse=True)
def no_faults(vultr: Simulator) -> Iterator[None]:
    yield
    vultr.faults.clear()
    vultr.set(**asdict(Settings()))
