"""Whether WAL is complete from a base backup on."""

from __future__ import annotations

import pytest

from agent.archive import chain
from agent.archive.chain import Switch
from agent.archive.segments import SIZE, Inventory, Piece, Segment


def there(*whole: Segment, pieces: tuple[Piece, ...] = ()) -> Inventory:
    found: dict[Segment, tuple[Piece, ...]] = {}
    for piece in pieces:
        found[piece.segment] = (*found.get(piece.segment, ()), piece)
    return Inventory(frozenset(whole), found)


def row(timeline: int, first: int, last: int) -> tuple[Segment, ...]:
    return tuple(Segment(timeline, number) for number in range(first, last + 1))


def test_segments_in_a_row_and_what_is_there_of_the_next() -> None:
    under_way = Piece(Segment(1, 6), 0, 500)

    found = chain.follow(Segment(1, 3), there(*row(1, 1, 5), pieces=(under_way,)), {})

    assert found.segments == row(1, 3, 5)
    assert found.tail == (under_way,)
    assert found.missing is None
    assert found.end == 6 * SIZE + 500


def test_a_missing_segment_is_named() -> None:
    found = chain.follow(Segment(1, 1), there(*row(1, 1, 3), *row(1, 5, 9)), {})

    assert found.segments == row(1, 1, 3)
    assert found.missing == Segment(1, 4)


def test_a_segment_that_has_only_pieces_is_missing_once_there_are_later_ones() -> None:
    piece = Piece(Segment(1, 4), 0, 900)

    found = chain.follow(Segment(1, 1), there(*row(1, 1, 3), *row(1, 5, 5), pieces=(piece,)), {})

    assert (found.missing, found.tail) == (Segment(1, 4), (piece,))


def test_pieces_of_a_later_segment_show_that_one_is_missing() -> None:
    later = Piece(Segment(1, 5), 0, 900)

    assert chain.follow(Segment(1, 1), there(*row(1, 1, 3), pieces=(later,)), {}).missing == Segment(1, 4)


def test_nothing_at_all_is_no_hole() -> None:
    found = chain.follow(Segment(1, 4), there(*row(1, 1, 3)), {})

    assert found == chain.Chain(1, (), ())


def test_a_new_timeline_goes_on_in_the_segment_in_which_the_old_one_ended() -> None:
    histories = {2: (Switch(1, 4 * SIZE + 300),)}
    stock = there(*row(1, 1, 6), *row(2, 4, 5), pieces=(Piece(Segment(2, 6), 0, 10),))

    found = chain.follow(Segment(1, 2), stock, histories)

    assert found.timeline == 2
    assert found.segments == (Segment(1, 2), Segment(1, 3), Segment(2, 4), Segment(2, 5))
    assert found.end == 6 * SIZE + 10
    assert found.missing is None, "what the old timeline has further on is no part of the new one's past"


def test_a_timeline_that_began_before_the_backup_isn_t_followed() -> None:
    """The backup was taken on timeline 1 after 2 had left it: another cluster's restore."""
    histories = {2: (Switch(1, 2 * SIZE),)}

    assert chain.follow(Segment(1, 4), there(*row(1, 4, 5), *row(2, 2, 9)), histories).timeline == 1


def test_of_several_timelines_the_newest_that_leads_on_is_taken() -> None:
    histories = {
        2: (Switch(1, 3 * SIZE),),
        3: (Switch(1, 3 * SIZE), Switch(2, 5 * SIZE)),
        4: (Switch(1, 1 * SIZE),),
    }

    assert chain.newest_timeline(Segment(1, 2), histories) == 3
    assert chain.newest_timeline(Segment(2, 4), histories) == 3
    assert [chain.timeline_at(number, 3, histories[3]) for number in range(2, 7)] == [1, 2, 2, 3, 3]


def test_a_history_is_read_as_postgresql_writes_it() -> None:
    text = "1\t0/5000000\tno recovery target specified\n\n# by hand\n2\t1/A000028\tbefore 2026-11-27 22:15:00+00\n"

    assert chain.parse_history(text) == (Switch(1, 5 << 24), Switch(2, (1 << 32) + 0xA000028))


@pytest.mark.parametrize(
    "text", ["x", "1", "1\t5", "2\t0/5\ta\n1\t0/6\tb", "1\t0/6\ta\n2\t0/5\tb", "1\t0/5\n1\t0/5"]
)
def test_another_text_is_no_history(text: str) -> None:
    with pytest.raises(ValueError, match=r"history|position"):
        chain.parse_history(text)
