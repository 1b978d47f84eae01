"""Figures of a first load, from what the browser saw of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cms_seen import DOCUMENT, QUIET

from lab.bench.core_cms.vitals import Asked, Loads, Page, Span


def page(tasks: Sequence[Span] = (), requests: Sequence[Asked] = (), until: float = 20_000) -> Page:
    return replace(QUIET, tasks=tasks, requests=[DOCUMENT, *requests], until=until)


def test_a_page_without_long_tasks_is_interactive_when_it_is_painted_and_parsed() -> None:
    assert QUIET.interactive == 200
    assert replace(QUIET, parsed=230).interactive == 230
    assert QUIET.blocked == 0


def test_it_is_interactive_after_the_last_long_task_before_five_quiet_seconds() -> None:
    seen = page([(100, 160), (400, 520), (3000, 3075), (9000, 9400)])
    assert seen.interactive == 3075, "what comes after the quiet time does not count"
    assert seen.blocked == (120 - 50) + (75 - 50), "nor does what came before the first paint"


def test_of_a_task_during_the_first_paint_only_what_is_after_it_blocks() -> None:
    seen = page([(150, 330)])
    assert seen.blocked == 130 - 50
    assert page([(150, 240)]).blocked == 0


def test_three_requests_under_way_are_not_quiet_and_two_are() -> None:
    three = [
        Asked("others", "GET", 300, 4000),
        Asked("others", "GET", 300, 5000),
        Asked("pictures", "GET", 350, 6000),
    ]
    assert page([(1000, 1100)], three, until=8999).interactive is None
    assert page([(1000, 1100)], three, until=9000).interactive == 1100, "quiet since 4000, idle since 1100"
    assert page([(1000, 1100)], three[:2], until=6100).interactive == 1100


@pytest.mark.parametrize(
    "other",
    [
        Asked("others", "GET", 300, None),
        Asked("others", "POST", 300, 9000),
        Asked("others", "GET", 300, 9000, failed=True),
    ],
    ids=["never ended", "no GET", "failed"],
)
def test_requests_that_lighthouse_leaves_out_disturb_nobody(other: Asked) -> None:
    assert page(requests=[other] * 3, until=5300).interactive == 200


def test_the_five_seconds_are_counted_from_the_largest_paint_on() -> None:
    assert replace(QUIET, largest_paint=2000, until=6999).interactive is None
    assert replace(QUIET, largest_paint=2000, until=7000).interactive == 200


def test_figures_are_medians() -> None:
    pages = [replace(QUIET, first_paint=paint) for paint in (300.0, 100.0, 120.0)]
    found = Loads(pages).figures()
    assert found["first contentful paint, ms"] == 120
    assert (found["document, kB"], found["scripts, kB"], found["styles, kB"]) == (4, 100, 0)
    assert (found["transferred, kB"], found["scripts unpacked, kB"], found["requests"]) == (104, 300, 2)
    assert [each["first contentful paint, ms"] for each in Loads(pages).as_json()["loads"]] == [300, 100, 120]


def test_a_page_that_never_was_quiet_has_no_figures() -> None:
    with pytest.raises(ValueError, match="interactive"):
        Loads([replace(QUIET, until=5000)]).figures()
