"""Servers and disks at Vultr on the real CLI: made anew, deleted by hand, locked, labelled by an older version."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from lab.bench.by_hand import call
from lab.bench.fleets import APPS, DATA, SINGLE
from lab.vultr.simulator import Simulator
from tests.vultr.conftest import Make
from tests.vultr.told import addresses, said, steps

pytestmark = pytest.mark.cli


@pytest.mark.slow
def test_a_disk_s_kind_stays_and_is_not_charged_as_another(make: Make) -> None:
    stack = make(region="ewr")
    assert stack.up().returncode == 0
    stack.change(pools=[APPS, {**DATA, "dataDiskType": "nvme"}])
    refused = stack.pulumi("preview")
    assert refused.returncode != 0
    assert "dataDiskType of pool data is nvme, but data-1's disk is hdd" in " ".join(said(refused).split())


@pytest.mark.slow
def test_another_system_is_told_until_its_servers_are_made_anew(make: Make) -> None:
    stack = make()
    assert stack.up().returncode == 0
    stack.change(pools=[{**APPS, "os": 2760}, DATA])
    for _ in range(2):  # an update that ignores it changes nothing of that
        assert waiting(stack.up()) == {"app-1", "app-2"}
    again = stack.codeb("fleet", "replace", "app-1", "--yes")
    assert again.returncode == 0, said(again)
    assert {one["label"]: one["os_id"] for one in stack.content()["instances"].values()} == {
        "codeb-app-1": 2760,
        "codeb-app-2": 2625,
        "codeb-data-1": 2625,
    }
    assert waiting(stack.pulumi("preview")) == {"app-2"}


def waiting(done: Any) -> set[str]:
    """The servers of which the words say that they have another system than the settings."""
    words = r"(\S+) runs Debian 13 x64 \(trixie\) and stays so: Ubuntu 26.04 LTS x64 comes with `codeb fleet replace \1 "
    return set(re.findall(words, said(done)))


def test_the_data_server_is_not_swapped_for_an_empty_one(make: Make) -> None:
    stack = make()
    assert stack.up().returncode == 0
    before = set(stack.content()["instances"])
    stack.change(pools=[APPS, {**DATA, "name": "db"}])
    for verb in ("preview", "up"):
        done = stack.pulumi(verb, *(["--yes", "--skip-preview"] if verb == "up" else []))
        assert done.returncode != 0
        assert "data-1 holds the data of all projects" in " ".join(said(done).split())
    assert set(stack.content()["instances"]) == before


_TAKES = pytest.param(False, id="and taken", marks=pytest.mark.slow)
BOTH = pytest.mark.parametrize("refuses", [pytest.param(True, id="empty changes refused"), _TAKES])
"""Vultr is said to refuse the plugin's empty PATCH of a disk; the recording's server took it."""


@pytest.mark.slow
@BOTH
def test_a_server_is_made_anew_on_purpose_and_its_disk_follows(
    make: Make, vultr: Simulator, *, refuses: bool
) -> None:
    vultr.set(refuse_empty_block_patch=refuses)
    stack = make(**SINGLE)
    assert stack.up().returncode == 0
    (server,) = stack.content()["instances"].values()
    (disk,) = stack.content()["blocks"].values()
    before = addresses(stack)
    urn = next(item["urn"] for item in stack.resources() if item["urn"].endswith("::app-1-instance"))
    again = stack.up("--replace", urn, CODEB_RENEW="app-1")
    assert again.returncode == 0, said(again)
    (other,) = stack.content()["instances"].values()
    assert other["id"] != server["id"]
    assert addresses(stack) == before
    (same,) = stack.content()["blocks"].values()
    assert same["id"] == disk["id"]
    assert same["attached_to_instance"] == other["id"]
    commands = [item for item in stack.resources() if item["urn"].endswith(("app-1-bundle", "app-1-agent"))]
    assert all(other["id"] in item["inputs"]["create"] for item in commands)
    assert steps(stack) == []


@pytest.mark.slow
@BOTH
def test_a_data_server_deleted_by_hand_gets_its_disk_back(
    make: Make, vultr: Simulator, *, refuses: bool
) -> None:
    vultr.set(refuse_empty_block_patch=refuses)
    stack = make()
    assert stack.up().returncode == 0
    server = next(one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    (disk,) = stack.content()["blocks"].values()
    call(vultr, stack.account, "DELETE", f"/instances/{server['id']}")
    assert stack.codeb("fleet", "forget", server["id"], "--yes").returncode == 0
    again = stack.up()
    assert again.returncode == 0, said(again)
    (same,) = stack.content()["blocks"].values()
    (other,) = (one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    assert (same["id"], same["attached_to_instance"]) == (disk["id"], other["id"])
    assert stack.codeb("fleet", "check").returncode == 0
    assert steps(stack) == []


@pytest.mark.slow
def test_a_disk_labelled_by_an_older_version_is_the_stack_s(make: Make, vultr: Simulator) -> None:
    """It gets today's label with the next update, and nothing else is done."""
    stack = make()
    assert stack.up().returncode == 0
    (disk,) = stack.content()["blocks"].values()
    old = disk["label"].rpartition(".")[0]
    call(vultr, stack.account, "PATCH", f"/blocks/{disk['id']}", {"label": old})
    assert stack.codeb("fleet", "refresh").returncode == 0
    assert stack.codeb("fleet", "check").returncode == 0
    assert steps(stack) == [("update", "vultr:index/blockStorage:BlockStorage", "data-1-disk-storage")]
    assert stack.up().returncode == 0
    (same,) = stack.content()["blocks"].values()
    assert same == disk
    assert steps(stack) == []


@pytest.mark.slow
def test_a_server_that_is_locked_at_first_is_waited_for(make: Make, vultr: Simulator) -> None:
    vultr.set(locked_s=6, refuse_empty_block_patch=True)
    stack = make()
    first = stack.up()
    assert first.returncode == 0, said(first)
    (disk,) = stack.content()["blocks"].values()
    assert disk["attached_to_instance"]
    assert steps(stack) == []


@pytest.mark.slow
def test_a_locked_server_s_deletion_fails_and_is_done_by_the_next(make: Make, vultr: Simulator) -> None:
    stack = make(protect=False)
    assert stack.up().returncode == 0
    vultr.set(locked_s=25)
    stack.change(pools=[{**APPS, "count": 3}, DATA])
    assert stack.up().returncode == 0
    stack.change(pools=[APPS, DATA])
    failed = stack.up()
    assert failed.returncode != 0
    assert "currently locked" in said(failed)
    end = time.monotonic() + 60
    while stack.up().returncode:
        assert time.monotonic() < end
    assert len(stack.content()["instances"]) == 2 + 1
    assert steps(stack) == []


@pytest.mark.slow
def test_a_server_deleted_by_hand_is_told_and_made_again(make: Make, vultr: Simulator) -> None:
    stack = make()
    assert stack.up().returncode == 0
    server = next(one for one in stack.content()["instances"].values() if one["label"] == "codeb-app-2")
    call(vultr, stack.account, "DELETE", f"/instances/{server['id']}")
    preview = said(stack.pulumi("preview"))
    assert server["id"] in preview
    assert "codeb fleet forget" in preview
    assert stack.codeb("fleet", "forget", server["id"], "--yes").returncode == 0
    again = stack.up()
    assert again.returncode == 0, said(again)
    labels = [one["label"] for one in stack.content()["instances"].values()]
    assert sorted(labels) == ["codeb-app-1", "codeb-app-2", "codeb-data-1"]
    assert steps(stack) == []
