"""Names of WAL, and arithmetic on them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.archive import segments
from agent.archive.segments import PAGE, SIZE, Piece, Segment

SEGMENTS = st.builds(Segment, st.integers(1, 0xFFFFFFFF), st.integers(0, (1 << 40) - 1))


def test_names_are_those_that_postgresql_gives() -> None:
    assert str(Segment(1, 1)) == "000000010000000000000001"
    assert str(Segment(1, 255).after()) == "000000010000000100000000"
    assert segments.at(2, segments.position("1/A2000028")) == segments.segment("0000000200000001000000A2")


@settings(deadline=None)
@given(SEGMENTS)
def test_a_name_says_the_segment(found: Segment) -> None:
    assert segments.segment(str(found)) == found
    assert segments.at(found.timeline, found.start) == found
    assert segments.at(found.timeline, found.start + SIZE) == found.after()


@settings(deadline=None)
@given(SEGMENTS, st.integers(0, SIZE // PAGE - 1), st.integers(1, PAGE))
def test_a_store_s_name_says_what_it_is(whole: Segment, page: int, more: int) -> None:
    part = Piece(whole, page * PAGE, page * PAGE + more)
    names = [segments.key("7", whole), segments.key("7", part), segments.key("7", whole.timeline + 1)]

    found = segments.inventory("7", names)

    assert found.segments == {whole}
    assert found.pieces == {whole: (part,)}
    assert found.histories == ({whole.timeline + 1} if whole.timeline < 0xFFFFFFFF else frozenset())


@pytest.mark.parametrize(
    "name",
    [
        "000000010000000000000100",  # no lower half so high with segments of 16 MiB
        "000000000000000000000001",  # no timeline 0
        "00000001000000000000000a",
        "000000010000000000000001.partial",
        "../../000000010000000000000001",
        "000000010000000000000001\n",
        "",
    ],
)
def test_other_names_are_no_segments(name: str) -> None:
    assert segments.segment(name) is None


@pytest.mark.parametrize(
    "span", ["1-8192", "8192-8192", "16384-8192", "0-16777217", "00-1", "0-01", "-1-5", "0-"]
)
def test_other_spans_are_no_pieces(span: str) -> None:
    assert segments.piece(f"000000010000000000000001.{span}") is None


@pytest.mark.parametrize(
    "key",
    [
        "cluster/8/wal/00000001/000000010000000000000001.zst.age",  # another cluster's
        "cluster/7/wal/00000002/000000010000000000000001.zst.age",  # in another timeline's folder
        "cluster/7/wal/00000001/000000010000000000000001",
        "cluster/7/wal/00000001/00000001.history.zst.age",  # the first timeline has none
        "cluster/7/wal/00000001/x/000000010000000000000001.zst.age",
        "cluster/7/base/20261127T221500Z-00ff/base.tar.zst.age",
    ],
)
def test_what_is_called_otherwise_is_none_of_the_cluster_s_wal(key: str) -> None:
    assert segments.inventory("7", [key]) == segments.Inventory()


@pytest.mark.parametrize("text", ["", "0", "0/", "g/1", "0/123456789", "0/1 ", "0x1/2"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        segments.position(text)
