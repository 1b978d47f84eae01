"""One fleet for all its tests, from nothing: the clone's own `make lab-fleet` goes, and so does this one at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from visiting import echo, shop

from lab import apps
from lab.fleet.production import Production, fresh, repository_manifests

ECHO = Path(__file__).parent / "echo"


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The fleet, deployed and answering."""
    with fresh(tmp_path_factory.mktemp("fleet")) as found:
        lab = found.cloud.lab
        apps.push_all(lab)
        apps.PROBE.push(lab)
        lab.push_app(ECHO, "codeb/echo", "1.0.0")
        for name, manifest in repository_manifests().items():
            found.write(name, manifest)
        found.write("echo", echo("first"))
        found.write("shop", shop())
        found.begin()
        yield found
