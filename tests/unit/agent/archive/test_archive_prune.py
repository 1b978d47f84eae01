"""What may go from the archive: nothing that a moment of the retention takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.archive import choice, fetch, prune, segments, stock
from agent.archive.bases import Base
from agent.archive.chain import Switch
from agent.archive.segments import SIZE, Inventory, Piece, Segment
from agent.archive.stock import Stock
from agent.documents.errors import Failed
from agent.host.s3 import Place

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SYSTEM = "7712984846297337775"
PLACE = Place("http://127.0.0.1:1", "x", "backup", "a", "b")


def made(days_ago: float, number: int, timeline: int = 1) -> Base:
    """A base backup whose WAL is one segment and a bit."""
    at = NOW - timedelta(days=days_ago)
    return Base(
        id=f"{at:%Y%m%dT%H%M%SZ}-0000",
        system=SYSTEM,
        at=at,
        seconds=60,
        timeline=timeline,
        start=number * SIZE + 40,
        end=(number + 1) * SIZE + 40,
        size=10,
        sha256="0" * 64,
        plain_size=100,
        plain_sha256="0" * 64,
        version=16,
        image="sha256:" + "0" * 64,
    )


def having(bases: list[Base], wal: list[Segment], *pieces: Piece, **more: Any) -> Stock:
    found: dict[Segment, tuple[Piece, ...]] = {}
    for each in pieces:
        found[each.segment] = (*found.get(each.segment, ()), each)
    came = {whole: NOW - timedelta(days=10) + timedelta(hours=whole.number) for whole in wal}
    values = {"histories": {}, "came": came, "wrong": {}, **more}
    return Stock(SYSTEM, PLACE, tuple(bases), Inventory(frozenset(wal), found), **values)


def row(first: int, last: int, timeline: int = 1) -> list[Segment]:
    return [Segment(timeline, number) for number in range(first, last + 1)]


def test_the_base_backup_that_the_oldest_moment_takes_stays_with_its_wal() -> None:
    bases = [made(9, 10), made(8, 20), made(7, 30), made(0, 40)]

    gone = prune.superfluous(having(bases, row(1, 60)), days=7)

    assert [key for key in gone if "/base/" in key] == [
        f"cluster/{SYSTEM}/base/{base.id}/{name}"
        for base in bases[:2]
        for name in ("base.json", "base.tar.zst.age")
    ], "documents first: without one there is no backup"
    assert [key for key in gone if "/wal/" in key] == [segments.key(SYSTEM, each) for each in row(1, 29)]


def test_without_a_good_base_backup_nothing_goes() -> None:
    bases = [made(30, 10), made(20, 20)]

    assert prune.superfluous(having(bases, row(1, 15) + row(40, 50)), days=7) == []
    assert prune.superfluous(having([], row(1, 15)), days=7) == []


def test_the_time_runs_from_the_newest_base_backup() -> None:
    """None was made for a month: what is there stays."""
    bases = [made(36, 10), made(35, 20), made(30, 30)]

    assert prune.superfluous(having(bases, row(10, 60)), days=7) == []


def test_pieces_go_once_their_segment_is_there_or_a_larger_one_is() -> None:
    whole, open_ = Segment(1, 41), Segment(1, 61)
    pieces = [Piece(whole, 0, 99), Piece(open_, 0, 50), Piece(open_, 0, 9000), Piece(open_, 8192, 9100)]

    gone = prune.superfluous(having([made(0, 40)], row(40, 60), *pieces), days=7)

    assert gone == [segments.key(SYSTEM, pieces[0]), segments.key(SYSTEM, pieces[1])]


def test_what_a_killed_run_left_goes_after_a_while() -> None:
    old, young = "20261124T115959Z-00aa", "20261126T110000Z-00bb"

    gone = prune.superfluous(having([made(0.5, 40)], row(40, 60), begun=(old, young)), days=7)

    assert gone == [f"cluster/{SYSTEM}/base/{old}/base.tar.zst.age"]


def test_segments_of_a_timeline_that_was_left_go_with_their_time() -> None:
    bases = [made(9, 10), made(1, 30, timeline=2)]
    histories = {2: (Switch(1, 20 * SIZE),)}

    gone = prune.superfluous(having(bases, row(10, 22) + row(20, 40, 2), histories=histories), days=0)

    assert {key for key in gone if "/wal/" in key} == {
        segments.key(SYSTEM, each) for each in row(10, 22) + row(20, 29, 2)
    }


def test_a_moment_takes_the_newest_base_backup_before_it() -> None:
    found = having([made(5, 10), made(2, 20)], row(10, 60))

    assert choice.chosen(found, NOW - timedelta(days=3)).window.base.first.number == 10
    assert choice.chosen(found, NOW).window.base.first.number == 20
    assert stock.point_in_time_from(found) == NOW - timedelta(days=5)


def test_a_base_backup_whose_wal_hasn_t_come_yet_isn_t_chosen() -> None:
    found = having([made(5, 10), made(0, 60)], row(10, 60))

    assert choice.chosen(found, None).window.base.first.number == 10
    with pytest.raises(Failed, match="no base backup has its WAL"):
        choice.chosen(having([made(0, 60)], row(10, 60)), None)


def test_wal_is_fetched_as_far_as_a_moment_should_be_in_it() -> None:
    found = having([made(9, 10)], row(10, 200))
    at = NOW - timedelta(days=8)  # segment 48 was stored at that moment

    chosen = choice.chosen(found, at)

    assert [each.number for each in fetch._needed(chosen, at)][-1] == 49
    assert len(fetch._needed(chosen, None)) == 191
    early = chosen.window.base.at - timedelta(days=5)
    assert len(fetch._needed(chosen, early)) == 2, "at the least what makes the base backup consistent"
