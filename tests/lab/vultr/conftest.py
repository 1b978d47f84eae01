"""The simulated cloud's machines in a lab of their own: other bridge, other addresses, other folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud import Cloud

from lab.host import Lab, Progress
from lab.host.network import Network
from lab.host.paths import Folders
from lab.vultr.machines import LabMachines
from lab.vultr.machines.ground import Ground
from lab.vultr.ports import Account


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An empty account's machines; whatever a test leaves is torn down."""
    folder: Path = tmp_path_factory.mktemp("cloud")
    folders = Folders(lab=folder, cache=Folders.here().cache)
    lab = Lab(folders, Network(bridge="codeb-labcloud", prefix="10.78.78"), Progress())
    machines = LabMachines(Ground(lab))
    try:
        machines.resume(Account())
        yield Cloud(machines, folder)
    finally:
        machines.clean()
        lab.clean(keep_cache=True)
