"""A lab of the shapes' own (other bridge, addresses, folder), and in it an empty simulated account for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shaped import Shaped

from lab import apps
from lab.host import Lab, Progress
from lab.host.network import Network
from lab.host.paths import Folders
from lab.vultr.machines import LabMachines
from lab.vultr.machines.ground import Ground
from lab.vultr.simulator import Simulator

Make = Callable[..., Shaped]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Images and registry; hosts are the cloud's business."""
    folder: Path = tmp_path_factory.mktemp("shapes")
    found = Lab(Folders(folder, Folders.here().cache), Network("codeb-labshape", "10.79.79"), Progress())
    try:
        found.ensure(())
        apps.push_all(found)
        yield found
    finally:
        found.clean(keep_cache=True)


@pytest.fixture
def vultr(lab: Lab, tmp_path: Path) -> Iterator[Simulator]:
    machines = LabMachines(Ground(lab))
    try:
        machines.prepare()
        with Simulator(tmp_path / "vultr", machines) as found:
            yield found
    finally:
        machines.clean()


@pytest.fixture
def shape(lab: Lab, vultr: Simulator) -> Make:
    """Makes a stack in a shape, not yet deployed."""

    def make(name: str, **values: object) -> Shaped:
        return Shaped.make(lab, vultr, LabMachines(Ground(lab)), name, **values)

    return make
