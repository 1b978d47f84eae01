"""One fleet for all its tests, from nothing: the clone's own `make lab-fleet` goes, and so does this one at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from production import Production, echo, project_folder, shop

from lab import apps, paths
from lab.fleet import stack as fleet
from lab.fleet.cloud import Cloud
from lab.host import Lab
from lab.host.cache import remove

ECHO = Path(__file__).parent / "echo"


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The fleet, deployed and answering."""
    cloud = Cloud(Lab.here())
    cloud.clean()
    remove(paths.FLEET)
    cloud.lab.ensure(())
    cloud.start()
    try:
        stack = fleet.stack(cloud, project_folder(tmp_path_factory.mktemp("fleet")))
        fleet.prepare(cloud, stack)
        apps.push_all(cloud.lab)
        apps.PROBE.push(cloud.lab)
        cloud.lab.push_app(ECHO, "codeb/echo", "1.0.0")
        found = Production(cloud, stack.project, stack)
        found.write("echo", echo("first"))
        found.write("shop", shop())
        stack.open()
        found.up()
        (stack.project / "ca.crt").write_text(found.outputs()["caCertificate"])
        yield found
    finally:
        cloud.clean()
        remove(paths.FLEET)
