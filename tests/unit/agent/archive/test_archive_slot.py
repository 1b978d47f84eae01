"""What is done about the slot and the receiver: the database always goes on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.archive.slot import Facts, decide, least_free

MOST = 1 << 30
GIB = 1 << 30
DISK = 100 * GIB
WELL = Facts("reserved", spool=0, free=60 * GIB, disk=DISK, receiving=True)


def test_nothing_is_done_when_all_is_well() -> None:
    assert decide(WELL, MOST).steps == ()
    assert decide(WELL, MOST).problem == ""


def test_the_first_time_the_slot_is_made_then_the_receiver_starts() -> None:
    assert decide(Facts("", 0, 60 * GIB, DISK, receiving=False), MOST).steps == ("create", "start")


def test_a_slot_that_is_lost_is_made_anew_and_said() -> None:
    found = decide(Facts("lost", 0, 60 * GIB, DISK, receiving=True), MOST)

    assert found.steps == ("recreate", "start")
    assert "nothing can be restored" in found.problem


def test_a_slot_about_to_be_lost_is_said() -> None:
    found = decide(Facts("unreserved", 0, 60 * GIB, DISK, receiving=True, behind=3 << 30), MOST)

    assert found.steps == ()
    assert "3072 MiB behind" in found.problem


@pytest.mark.parametrize(("spool", "free"), [(MOST + 1, 60 * GIB), (0, 8 * GIB - 1)])
def test_the_receiver_stops_when_the_spool_or_the_disk_is_full(spool: int, free: int) -> None:
    found = decide(Facts("reserved", spool, free, DISK, receiving=True), MOST)

    assert found.steps == ("stop",)
    assert found.problem


@pytest.mark.parametrize(("spool", "free"), [(MOST // 2 + 1, 60 * GIB), (0, 10 * GIB)])
def test_it_stays_stopped_until_there_is_room_for_more_than_a_moment(spool: int, free: int) -> None:
    assert decide(Facts("reserved", spool, free, DISK, receiving=False), MOST).steps == ()
    assert decide(Facts("reserved", MOST // 2, 11 * GIB, DISK, receiving=False), MOST).steps == ("start",)


@pytest.mark.parametrize(
    ("disk", "least"),
    [(10 * GIB, 1.5 * GIB), (50 * GIB, 7.5 * GIB), (60 * GIB, 8 * GIB), (4000 * GIB, 8 * GIB)],
)
def test_a_large_disk_keeps_some_gib_free_and_a_small_one_its_share(disk: int, least: float) -> None:
    assert least_free(disk) == int(least)


@settings(deadline=None)
@given(
    st.sampled_from(["", "reserved", "extended", "unreserved", "lost"]),
    st.integers(0, 1 << 32),
    st.integers(0, 40 * GIB),
    st.booleans(),
)
def test_it_never_receives_without_room_nor_makes_a_slot_that_nobody_reads(
    status: str, spool: int, free: int, receiving: bool
) -> None:
    found = decide(Facts(status, spool, free, DISK, receiving), MOST)

    no_room = spool > MOST or free < 8 * GIB
    if no_room:
        assert "start" not in found.steps
        assert found.problem
        assert "stop" in found.steps or not receiving
    made = {"create", "recreate"} & set(found.steps)
    assert not made or found.steps[-1] == "start"
    assert not {"start", "stop"} <= set(found.steps)
