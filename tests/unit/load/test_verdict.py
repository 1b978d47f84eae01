"""The release benchmark's verdict: which goals fail it, and what its figures are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.bench.releases.rollback import Rollback
from lab.bench.releases.verdict import (
    Release,
    Seen,
    as_json,
    durations,
    goals,
    joined,
    latencies,
    ratios,
    slowed,
)
from lab.load import Result
from lab.load.samples import Sample
from lab.load.streams import Life, Moment


def sample(began: float, ms: float, wrong: str | None = None, kind: str = "h2-kept") -> Sample:
    return Sample(began, ms, kind, "GET", wrong)


def seen(*more: Sample, lives: tuple[Life, ...] = ()) -> Seen:
    requests = (
        *(sample(at, 10) for at in range(100)),
        *(sample(at, 14, kind="h1-fresh") for at in range(100, 200)),
        *more,
    )
    return Seen(
        result=Result(0, 200, requests, 0, (), lives, ()),
        steady=[(0, 49.5), (50, 74.5), (75, 99.5)],
        releases=[
            Release(1, "1.1.0", 100, 110, "green", ((0, 49.5), (50, 74.5))),
            Release(2, "1.0.0", 110, 140, "blue", ((50, 74.5), (75, 99.5))),
        ],
        stops=[Moment(112, "blue")],
        serving=[Moment(0, "blue"), Moment(110, "green"), Moment(140, "blue")],
        rollback=Rollback("agent", 0.5, 0.9),
    )


def missed(found: Seen) -> list[tuple[str, bool]]:
    return [(goal.name.split(":")[0], goal.hard) for goal in goals(found) if not goal.met]


def test_all_goals_can_be_met() -> None:
    assert missed(seen()) == []


def test_one_failed_request_fails_the_run() -> None:
    assert missed(seen(sample(105, 3, "status 502"))) == [("failed requests", True)]


def test_one_dropped_stream_fails_the_run() -> None:
    stream = Life("websocket", "blue", "1.0.0", 1, 105, "1001")
    assert missed(seen(lives=(stream,))) == [("dropped streams", True)]
    assert missed(seen(lives=(replace(stream, ended=112.5),))) == []


def test_a_slow_rollback_is_told_but_fails_nothing() -> None:
    found = replace(seen(), rollback=Rollback("agent", 1.5, 2))
    assert missed(found) == [("rollback to the first old answer <= 1 s", False)]


def test_a_tail_that_is_slower_than_kamal_proxy_s_fails_the_run() -> None:
    slower = seen(*(sample(120, 90) for _ in range(5)))
    assert [goal.name for goal in goals(slower, seen()) if not goal.met and goal.hard] == [
        "p99 in releases: no worse than kamal-proxy's"
    ]
    for peer in (seen(), slower):
        assert [goal for goal in goals(seen(), peer) if not goal.met] == []


def test_what_fails_at_a_peer_fails_nothing() -> None:
    stream = Life("websocket", "blue", "1.0.0", 1, 105, "1006")
    assert [
        goal for goal in goals(seen(), seen(sample(105, 3, "status 502"), lives=(stream,))) if not goal.met
    ] == []


def test_a_release_slows_requests_whatever_its_length() -> None:
    assert slowed(seen()) == pytest.approx((41 - 0.41) / 2), "all of them are slower than the steady p99"
    quiet = [sample(110 + at / 100, 5) for at in range(1000)]
    assert slowed(seen(*quiet)) == pytest.approx((41 - 10.41) / 2)


def test_rounds_of_a_way_are_told_as_one() -> None:
    later = replace(seen(sample(105, 3, "status 502")), stops=[Moment(312, "green")])
    found = joined([seen(), later])
    assert len(found.result.requests) == 401
    assert found.result.failed == 1
    assert [release.number for release in found.releases] == [1, 2, 1, 2]
    assert [stop.at for stop in found.stops] == [112, 312]
    assert ratios(found) == [1.4] * 4
    assert as_json(found)["rollback"] is None


def test_a_load_that_was_not_sent_is_told() -> None:
    found = seen()
    assert missed(replace(found, result=replace(found.result, unsent=50))) == [("the load was sent", False)]


def test_latencies_are_split_by_kind_and_leave_failures_out() -> None:
    found = latencies(seen(sample(105, 15_000, "error 1050")))
    assert found["all"][1].p99 == found["h1-fresh"][1].p99 == 14
    assert found["h2-kept"][0].count == 100
    assert found["h2-kept"][1].count == 0


def test_a_release_s_ratio_is_to_the_steady_load_around_it() -> None:
    slower = [sample(at + 0.1, 20) for at in range(60, 90)]
    assert ratios(seen()) == [1.4, 1.4]
    assert ratios(seen(*slower)) == [0.7, 0.7]
    assert ratios(seen(*(sample(at + 0.1, 20) for at in range(76, 90)))) == [1.4, 0.7]


def test_durations_are_shortest_median_longest() -> None:
    assert durations(seen()) == (10, 10, 30)


def test_the_json_has_every_figure() -> None:
    found = as_json(seen(sample(105, 3, "status 502")))
    assert found["failures"] == {"h2-kept GET: status 502": 1}
    assert found["latency_ms"]["all"]["p99_ratio"] == 1.4
    assert [release["p99_ratio"] for release in found["releases"]] == [1.4, 1.4]
    assert found["release_seconds"] == {"min": 10, "median": 10, "max": 30}
