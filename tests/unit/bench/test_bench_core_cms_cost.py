"""Requests a core, from looks at the host and from what visitors got; and the tables of it."""

from __future__ import annotations

import pytest
from cms_seen import seen, used

from lab.bench.core_cms import cost
from lab.bench.core_cms.apps import CACHED, DIRECT, PLAIN
from lab.bench.core_cms.cost import APP, look, rates
from lab.bench.core_cms.tables import Seen
from lab.bench.observability.host.units import Reading, Use
from lab.bench.releases.ways import BenchError
from lab.load import Result
from lab.load.samples import Sample

SERVICES = {APP: "codeb-bench-cms-blue", "Redis": "redis-0"}


def reading(at: float, app: float, redis: float) -> Reading:
    units = {"codeb-bench-cms-blue.service": Use(0, app), "redis-0.service": Use(0, redis)}
    return Reading(at, 1 << 30, 2, 0.0, units)


def result(wrong: str | None = None) -> Result:
    requests = tuple(Sample(at / 10, 5.0, "h2-kept", "GET", wrong if at % 2 else None) for at in range(400))
    return Result(0, 40, requests, 0, (), (), ())


def test_processor_time_is_told_a_second() -> None:
    found = rates(reading(10, 3.0, 1.0), reading(30, 5.0, 1.2), SERVICES)
    assert found == pytest.approx({APP: 0.1, "Redis": 0.01})


def test_a_service_that_was_started_again_is_no_figure() -> None:
    with pytest.raises(BenchError, match="codeb-bench-cms-blue was started again"):
        rates(reading(10, 3.0, 1.0), reading(30, 0.5, 1.2), SERVICES)


def test_requests_a_core_leave_out_what_is_used_at_rest() -> None:
    found = look(result(), (10.0, 30.0), {APP: 0.06, "Redis": 0.01}, {APP: 0.01, "Redis": 0.02})
    assert found.per_second == pytest.approx(10)
    assert found.a_core == pytest.approx(200)
    assert found.ms(APP) == pytest.approx(5)
    assert found.ms("Redis") == 0, "less than at rest is nothing"


def test_only_right_answers_in_the_window_count() -> None:
    assert look(result("status 500"), (10.0, 30.0), used(0.05), used(0.0)).per_second == pytest.approx(5)
    with pytest.raises(BenchError, match="no request"):
        look(result(), (50.0, 60.0), used(0.05), used(0.0))


def test_an_app_that_used_nothing_was_not_measured() -> None:
    with pytest.raises(BenchError, match="no more processor time"):
        _ = look(result(), (10.0, 30.0), used(0.01), used(0.02)).a_core


def test_rows_have_medians_and_ratios_to_the_bare_app() -> None:
    found = seen()
    rows = {row[0]: dict(zip(cost.HEADINGS[1:], row[1:], strict=True)) for row in found.requests_rows()}
    assert [rows[name]["requests/s a core"] for name in (PLAIN.name, CACHED.name, DIRECT.name)] == [
        "2000",
        "1000",
        "500",
    ]
    assert [rows[name]["by bare"] for name in (PLAIN.name, CACHED.name, DIRECT.name)] == [
        "1.00",
        "0.50",
        "0.25",
    ]
    assert rows[CACHED.name]["ms a request"] == "1.00"
    assert rows[CACHED.name]["PostgreSQL"] == "0.25"


def test_images_and_starts_stand_side_by_side() -> None:
    assert seen().started_rows() == [
        ("image, MB", "250", "300", "1.20"),
        ("image without its base, MB", "50", "100", "2.00"),
        ("start until healthy, s", "0.6", "1.2", "2.00"),
        ("the same from `systemctl start` on, s", "1", "1.8", "1.80"),
    ]


def test_what_the_bare_app_has_not_has_no_ratio() -> None:
    rows = {row[0]: row for row in seen().loads_rows()}
    assert rows["styles, kB"] == ("styles, kB", "0", "0", "-")
    assert rows["scripts, kB"] == ("scripts, kB", "100", "100", "1.00")


@pytest.mark.parametrize(
    ("failed", "unsent", "met"), [(0, 0, [True, True]), (1, 0, [False, True]), (0, 200, [True, False])]
)
def test_only_requests_that_failed_fail_the_run(failed: int, unsent: int, met: list[bool]) -> None:
    goals = seen(failed, unsent).goals()
    assert [goal.met for goal in goals] == met
    assert [goal.hard for goal in goals] == [True, False]


def test_the_document_has_each_round_load_and_start() -> None:
    found = seen().as_json()
    assert len(found["requests"]["apps"][CACHED.name]["rounds"]) == 3
    assert found["requests"]["apps"][CACHED.name]["requests_a_core"] == pytest.approx(1000)
    assert len(found["first_load"][PLAIN.name]["loads"]) == 1
    assert found["images_and_starts"][PLAIN.name]["starts"] == [0.5, 0.7, 0.6]


def test_a_part_that_was_left_out_is_not_in_it() -> None:
    found = Seen()
    assert found.as_json() == {"goals": []}
    assert found.requests_rows() == found.loads_rows() == found.started_rows() == []
