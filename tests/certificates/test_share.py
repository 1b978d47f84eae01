"""A share that hangs, is gone or comes back: a running edge goes on serving, one that starts serves what there was."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from agent.documents.errors import Failed

from .conftest import Fleet
from .edge import Edge

Make = Callable[..., Fleet]


def settled(edges: list[Edge]) -> None:
    """Each edge has its copy."""
    time.sleep(3.5)
    for edge in edges:
        edge.look()


def cut_off(edge: Edge) -> None:
    """The agent's next look, which ends though the share does not answer, and says so."""
    with pytest.raises(Failed) as caught:
        edge.look()
    assert "share" in caught.value.failure.cause
    assert str(edge.share) in caught.value.failure.remedy


def tell_of_sites_until_it_hangs(edge: Edge) -> None:
    """Reload Caddy, which waits for its storage, until handshakes wait, too, or long enough."""
    quiet = subprocess.DEVNULL
    for _ in range(15):
        subprocess.Popen(edge.reloading, stdout=quiet, stderr=quiet, env={"HOME": str(edge.folder)})
        time.sleep(1)
        try:
            edge.serial("one.test")
        except TimeoutError:
            return


def uses(edge: Edge) -> str:
    return os.readlink(Path(edge.places["folder"]) / "now")


@pytest.mark.slow
def test_a_share_that_hangs_while_a_renewal_is_due_is_cut_off_and_the_edge_serves(fleet: Make) -> None:
    """Caddy looks into its storage with a lock in hand that handshakes wait for: without the cut it may serve nobody.

    Whether it does depends on where it was when the share began to hang; after the cut it serves in any case.
    """
    here = fleet(valid_s=30)
    edges = here.running("one.test", "two.test")
    settled(edges)
    hung, other = edges
    before = hung.serial("one.test")
    hung.hang()
    here.balance(other)
    other.awaited("one.test", other_than=before)
    hung.sites.append("new.test")
    hung.write()
    tell_of_sites_until_it_hangs(hung)
    cut_off(hung)
    for _ in range(5):
        assert hung.serial("one.test") == before
    hung.reload()
    assert uses(hung) == "copy"
    hung.unhang()
    hung.look()
    assert uses(hung) == "shared"
    assert hung.awaited("one.test", other_than=before)
    here.balance(*edges)
    hung.awaited("new.test")


@pytest.mark.parametrize("away", [Edge.hang, Edge.lose], ids=["hangs", "gone"])
def test_an_edge_without_its_share_serves_reloads_and_restarts_and_orders_nothing(
    fleet: Make, away: Callable[[Edge], None]
) -> None:
    here = fleet()
    edges = here.running("one.test", "two.test")
    settled(edges)
    edge = edges[0]
    serials = [edge.serial(site) for site in ("one.test", "two.test")]
    issued = here.ca.issued()
    away(edge)
    for _ in range(2):
        cut_off(edge)
    edge.sites.append("new.test")
    edge.reload()
    assert [edge.serial(site) for site in ("one.test", "two.test")] == serials
    edge.stop()
    edge.start(look=False)
    assert [edge.awaited(site) for site in ("one.test", "two.test")] == serials
    time.sleep(2)
    assert here.ca.issued() == issued, "an edge without its share orders nothing: the others do"
    assert edge.said("failed storage check") or edge.said("permission denied")


def test_an_edge_that_boots_while_the_share_hangs_serves(fleet: Make) -> None:
    here = fleet()
    edges = here.running("one.test")
    settled(edges)
    edge = edges[0]
    serial = edge.serial("one.test")
    edge.stop()
    edge.hang()
    cut_off(edge)
    edge.start(look=False)
    assert edge.awaited("one.test") == serial


def test_a_share_that_comes_back_has_the_new_certificates_for_all(fleet: Make) -> None:
    here = fleet()
    edges = here.running("one.test")
    settled(edges)
    away, other = edges
    away.lose()
    cut_off(away)
    for edge in edges:
        edge.sites.append("new.test")
        edge.reload()
    here.balance(other)
    serial = other.awaited("new.test")
    away.attach(here.raw)
    away.look()
    assert away.awaited("new.test") == serial
    assert len(here.ca.issued()) == 2


def test_a_new_share_is_filled_from_the_copy(fleet: Make) -> None:
    """Somebody replaces the shared file system by an empty one."""
    here = fleet()
    edges = here.running("one.test", "two.test")
    settled(edges)
    serials = [edges[0].serial(site) for site in ("one.test", "two.test")]
    for path in here.raw.iterdir():
        shutil.rmtree(path)
    for edge in edges:
        edge.stop()
        subprocess.run(["umount", Path(edge.places["folder"]) / "shared"], check=True)
        edge.until(partial(looks, edge), "a look at the new share", 10)
        edge.start()
        assert [edge.awaited(site) for site in ("one.test", "two.test")] == serials
    assert len(here.ca.issued()) == 2


def looks(edge: Edge) -> bool:
    """Whether the agent's look succeeds.

    For a second FUSE tells what it knew of the old files, and a new folder may have the number of one of them:
    find takes that for a loop. The agent looks again after a few seconds.
    """
    try:
        edge.look()
    except Failed:
        return False
    return True


def test_nobody_but_root_reads_keys_in_the_copy_and_nobody_writes_there(fleet: Make) -> None:
    here = fleet()
    edges = here.running("one.test")
    settled(edges)
    copy = Path(edges[0].places["folder"]) / "copy"
    found = [copy, *copy.rglob("*")]
    assert any(path.suffix == ".key" for path in found)
    assert {path.stat().st_mode & 0o777 for path in found} == {0o400, 0o500}


def test_an_edge_whose_copying_is_killed_at_any_point_has_a_whole_copy(fleet: Make) -> None:
    """Folders that a killed run left are no copy; the one before them counts."""
    here = fleet()
    edges = here.running("one.test")
    settled(edges)
    edge = edges[0]
    folder = Path(edge.places["folder"])
    (folder / "copy").rename(folder / "copy.old")
    (folder / "copy.new").mkdir()
    (folder / "copy.new/torn").write_text("")
    edge.lose()
    cut_off(edge)
    assert list((folder / "copy").rglob("*.key"))
    edge.attach(here.raw)
    (folder / "copy/certificates/torn").write_text("")
    assert edge.look()["copied"] is True
    assert sorted(path.name for path in folder.iterdir()) == ["copy", "now", "shared"], (
        "nothing of a run that was killed"
    )
