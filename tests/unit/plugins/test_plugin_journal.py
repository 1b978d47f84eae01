"""Notes of creations: what a killed process leaves, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.plugins.journal import Journal

URN = "urn:pulumi:dev::codeb::postgresql:index/role:Role::shop"
OTHER = "urn:pulumi:bench::codeb::postgresql:index/role:Role::shop"


def test_only_what_another_process_began_and_did_not_end_is_taken_over(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal")
    assert not first.begin(URN)
    assert not first.begin(URN), "the same process knows what came of it"
    assert Journal(tmp_path / "journal").begin(URN)


@pytest.mark.parametrize(
    ("came_of_it", "left"),
    [("made", False), ("nothing_made", False), ("", True)],
    ids=["made", "failed", "cancelled"],
)
def test_an_end_in_order_forgets_what_the_state_knows(tmp_path: Path, came_of_it: str, left: bool) -> None:
    first = Journal(tmp_path)
    first.begin(URN)
    if came_of_it:
        getattr(first, came_of_it)(URN)
    first.end()
    assert Journal(tmp_path).begin(URN) is left


def test_an_update_that_went_well_forgets_its_stacks_notes_and_no_others(tmp_path: Path) -> None:
    killed = Journal(tmp_path)
    killed.begin(URN)
    killed.begin(OTHER)
    Journal(tmp_path).forget("urn:pulumi:dev::codeb::")
    assert not Journal(tmp_path).begin(URN)
    assert Journal(tmp_path).begin(OTHER)
