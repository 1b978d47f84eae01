"""The segment that is still being written: what of it is sent, and how it is put together again."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.archive import tail
from agent.archive.segments import PAGE, SIZE, Piece, Segment

WHOLE = Segment(1, 7)


def page(number: int, text: bytes, timeline: int = 1, whole: Segment = WHOLE) -> bytes:
    """A page as PostgreSQL writes it: who it is, then records."""
    header = struct.pack("<HHIQ", 0xD113, 0, timeline, whole.start + number * PAGE)
    return (header + text).ljust(PAGE, b"\0")


def file(*pages: bytes) -> bytes:
    return b"".join(pages).ljust(SIZE, b"\0")


def test_what_is_written_ends_in_the_last_page_that_says_who_it_is() -> None:
    data = file(page(0, b"a" * 8000), page(1, b"bc"))

    assert tail.used(WHOLE, data, 0) == PAGE + 16 + 2


def test_a_page_that_is_another_s_ends_it() -> None:
    stale = page(1, b"left over", whole=WHOLE.after(-4))

    assert tail.used(WHOLE, file(page(0, b"x"), stale, page(2, b"y")), 0) == 17


def test_nothing_is_written_yet() -> None:
    assert tail.used(WHOLE, file(), 0) == 0
    assert tail.used(WHOLE, b"", 2 * PAGE) == 2 * PAGE


def test_the_parent_s_pages_at_the_beginning_of_a_timeline_belong_to_it() -> None:
    later = Segment(3, 7)

    assert tail.used(later, file(page(0, b"x", timeline=2), page(1, b"y", timeline=3)), 0) == PAGE + 17
    assert tail.used(WHOLE, file(page(0, b"x", timeline=2)), 0) == 0


def test_a_reading_that_overtook_a_write_ends_before_it() -> None:
    """The later byte of a write is there and the earlier one isn't: the next reading has both."""
    first = file(page(0, b"a" * 8000), b"\0" * PAGE, page(2, b"c"))
    second = file(page(0, b"a" * 8000), page(1, b"b"), page(2, b"c"))

    found = tail.steady(first, second)

    assert tail.used(WHOLE, found, 0) == 16 + 8000


def test_within_a_page_it_ends_where_the_readings_differ() -> None:
    first, second = page(0, b"aa\0\0cc"), page(0, b"aabbcc")

    assert tail.steady(first, second) == first[:18]
    assert tail.steady(first, first) == first
    assert tail.steady(first[:100], first) == tail.steady(first, first[:100]) == first[:100]


@settings(deadline=None)
@given(st.lists(st.integers(17, 40), min_size=1, max_size=12), st.data())
def test_pieces_sent_while_it_grows_make_the_same_file(sizes: list[int], data: st.DataObject) -> None:
    whole = file(*(page(number, b"r" * size) for number, size in enumerate(sizes)))
    grown = sorted(data.draw(st.sets(st.integers(1, len(sizes) * PAGE), min_size=1, max_size=20)))
    pieces: list[tuple[Piece, bytes]] = []
    sent = 0

    for length in [*grown, SIZE]:
        now = whole[:length].ljust(SIZE, b"\0")
        start = tail.start_of_next(sent, len(pieces))
        end = tail.used(WHOLE, now[start:], start)
        if end > sent:
            pieces.append((Piece(WHOLE, start, end), now[start:end]))
            sent = end
    chosen = tail.cover(piece for piece, _ in pieces)

    assert tail.assembled([(piece, dict(pieces)[piece]) for piece in chosen]) == whole
    assert set(tail.superfluous(piece for piece, _ in pieces)) == {piece for piece, _ in pieces} - set(chosen)


def test_now_and_then_a_piece_begins_anew_so_that_few_are_needed() -> None:
    assert tail.start_of_next(5 * PAGE + 1, 3) == 5 * PAGE
    assert tail.start_of_next(5 * PAGE, 3) == 4 * PAGE, "the page may have been full of zeros at its end"
    assert tail.start_of_next(5 * PAGE, tail.MOST_PIECES) == 0
    assert tail.start_of_next(0, 0) == 0

    pieces = [Piece(WHOLE, n * PAGE, n * PAGE + 9) for n in range(9)]
    assert tail.cover([*pieces, Piece(WHOLE, 0, 8 * PAGE + 9)]) == (Piece(WHOLE, 0, 8 * PAGE + 9),)


def test_pieces_after_a_hole_are_of_no_use() -> None:
    first, after = Piece(WHOLE, 0, 100), Piece(WHOLE, 2 * PAGE, 3 * PAGE)

    assert tail.cover([after, first]) == (first,)
    assert tail.cover([after]) == ()
    assert tail.superfluous([after, first]) == (), "what comes later may fill the hole"


def test_a_piece_of_another_length_or_after_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="has 3 bytes"):
        tail.assembled([(Piece(WHOLE, 0, 4), b"abc")])
    with pytest.raises(ValueError, match="nothing is there between byte 4"):
        tail.assembled([(Piece(WHOLE, 0, 4), b"abcd"), (Piece(WHOLE, PAGE, PAGE + 1), b"e")])
