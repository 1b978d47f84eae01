"""The worst day at Vultr, on the real CLI: the data server is gone with its disk, and is made again, empty."""

from __future__ import annotations

import pytest

from lab.bench.by_hand import call
from lab.vultr.simulator import Simulator
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli


@pytest.mark.slow
def test_a_data_server_that_is_gone_with_its_disk_is_made_again_without_apps_and_they_come_later(
    make: Make, vultr: Simulator
) -> None:
    stack = make()
    assert stack.up().returncode == 0
    server = next(one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    (disk,) = stack.content()["blocks"].values()
    names = {item["urn"].rpartition("::")[2] for item in stack.resources()}
    call(vultr, stack.account, "DELETE", f"/instances/{server['id']}")
    call(vultr, stack.account, "DELETE", f"/blocks/{disk['id']}")
    assert stack.codeb("fleet", "forget", server["id"], disk["id"], "--yes").returncode == 0
    # here something answers at every address, as it does where a disk alone is lost
    made = stack.codeb("rebuild", "server", "data-1", "--empty", "--yes")
    assert made.returncode == 0, said(made)
    assert "data-1 is lost" in said(made)
    (other,) = (one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    assert other["id"] != server["id"]
    (new,) = stack.content()["blocks"].values()
    assert (new["id"] != disk["id"], new["attached_to_instance"]) == (True, other["id"])
    there = {item["urn"].rpartition("::")[2] for item in stack.resources()}
    gone = names - there
    assert gone
    assert all("-release-" in name or "-route-" in name for name in gone)
    assert stack.up().returncode == 0
    assert {item["urn"].rpartition("::")[2] for item in stack.resources()} == names
    assert stack.codeb("fleet", "check").returncode == 0
    assert steps(stack) == []
