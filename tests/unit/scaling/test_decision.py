"""One decision: its rules, in the order in which they count, and what becomes of figures that are missing or mad."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeb.model import Autoscale
from codeb.scaling import Sample, Situation, decide

NOW = 1_800_000_000.0
RULES = Autoscale.model_validate({"max": 4})


def samples(
    cpu: Mapping[str, float], *, since: float = 300, until: float = 0, step: float = 15
) -> tuple[Sample, ...]:
    """From `since` to `until` seconds ago, each server with its CPU all the time."""
    moments = [NOW - since + number * step for number in range(int((since - until) // step) + 1)]
    return tuple(Sample(at, server, value) for server, value in cpu.items() for at in moments)


def situation(cpu: Mapping[str, float], **more: Any) -> Situation:
    return Situation(NOW, tuple(cpu), more.pop("samples", samples(cpu)), **more)


def decided(cpu: Mapping[str, float], rules: Autoscale = RULES, **more: Any) -> tuple[str, int, str]:
    found = decide(rules, situation(cpu, **more))
    return found.act, found.count, found.reason


def test_a_busy_pool_gets_one_more() -> None:
    assert decided({"app-1": 80, "app-2": 76}) == ("add", 3, "CPU 78.0 % over 5m, above 70 %")


def test_an_idle_pool_loses_its_last_one() -> None:
    found = decided({"app-1": 20, "app-2": 22, "app-3": 21})
    assert found == ("remove", 2, "CPU 21.0 % over 5m, below 30 %")


def test_between_the_limits_and_at_them_nothing_happens() -> None:
    for cpu in (30, 50, 70):
        act, count, reason = decided({"app-1": cpu, "app-2": cpu, "app-3": cpu})
        assert (act, count) == ("hold", 3)
        assert "between 30 % and 70 %" in reason


def test_never_above_max_and_never_below_min() -> None:
    busy = {f"app-{number}": 99.0 for number in range(1, 5)}
    assert decided(busy)[:2] == ("hold", 4)
    assert "the most (max)" in decided(busy)[2]
    idle = {"app-1": 1.0, "app-2": 1.0}
    assert decided(idle)[:2] == ("hold", 2)
    assert "the fewest (min)" in decided(idle)[2]


def test_what_the_settings_have_changed_meanwhile_is_for_pulumi_up() -> None:
    assert decided({f"app-{number}": 99.0 for number in range(1, 7)})[:2] == ("hold", 6)
    assert "`pulumi up`" in decided({"app-1": 99.0})[2]


def test_after_a_step_nothing_is_decided_for_the_cool_down() -> None:
    busy = {"app-1": 90.0, "app-2": 90.0}
    act, _, reason = decided(busy, decided=NOW - 599)
    assert (act, reason) == ("hold", "the last step is too recent: the next one in 1s at the earliest")
    assert decided(busy, decided=NOW - 600)[0] == "add"
    assert decided(busy, decided=NOW + 60)[0] == "hold", "a clock that goes wrong starts nothing"


def test_a_cool_down_shorter_than_the_window_lasts_as_long_as_that() -> None:
    rules = Autoscale.model_validate({"max": 4, "coolDown": "2m", "window": "5m"})
    assert decided({"app-1": 90, "app-2": 90}, rules, decided=NOW - 299)[0] == "hold"
    assert decided({"app-1": 90, "app-2": 90}, rules, decided=NOW - 300)[0] == "add"


def test_a_server_that_just_came_is_neither_idle_nor_busy() -> None:
    cpu = {"app-1": 95.0, "app-2": 95.0, "app-3": 0.0}
    known = samples({"app-1": 95, "app-2": 95}) + samples({"app-3": 0}, since=120)
    act, _, reason = decided(cpu, samples=known)
    assert (act, reason) == ("hold", "app-3: not measured for a whole window of 5m yet")


@pytest.mark.parametrize(("ago", "act"), [(700, "hold"), (1199, "hold"), (1200, "add")])
def test_a_server_that_is_on_its_way_is_waited_for_and_not_for_ever(ago: float, act: str) -> None:
    """Else a slow start would call for one more, which would go at once."""
    cpu = {"app-1": 80.0, "app-2": 80.0, "app-3": 0.0}
    known = samples({"app-1": 80, "app-2": 80})
    assert decided(cpu, samples=known, decided=NOW - ago)[0] == act
    assert decided(cpu, samples=known, decided=NOW - ago, unwell=frozenset({"app-3"}))[0] == act
    lost = samples({"app-1": 80, "app-3": 80})
    assert decided(cpu, samples=lost, decided=NOW - ago)[0] == "add", "another one is lost"


def test_who_is_away_has_nothing_to_say_and_its_work_is_in_the_others_figures() -> None:
    cpu = {"app-1": 80.0, "app-2": 0.0, "app-3": 80.0}
    known = samples({"app-1": 80, "app-3": 80}) + samples({"app-2": 0}, until=120)
    assert decided(cpu, samples=known) == ("add", 4, "CPU 80.0 % over 5m, above 70 % (app-2 away)")


@pytest.mark.parametrize("unwell", [True, False])
def test_nobody_goes_while_another_is_away(unwell: bool) -> None:
    cpu = {"app-1": 10.0, "app-2": 10.0, "app-3": 10.0}
    known = samples(cpu) if unwell else samples({"app-2": 10, "app-3": 10})
    act, _, reason = decided(cpu, samples=known, unwell=frozenset({"app-1"}) if unwell else frozenset())
    assert act == "hold"
    assert "nobody goes while app-1 may be needed" in reason


def test_one_whose_services_are_down_is_not_idle_although_its_cpu_is() -> None:
    cpu = {"app-1": 90.0, "app-2": 90.0, "app-3": 1.0}
    act, count, reason = decided(cpu, unwell=frozenset({"app-3"}))
    assert (act, count) == ("add", 4)
    assert "CPU 90.0 %" in reason


def test_the_last_one_may_go_although_it_is_away_itself() -> None:
    cpu = {"app-1": 20.0, "app-2": 20.0, "app-3": 0.0}
    assert decided(cpu, samples=samples({"app-1": 20, "app-2": 20}))[:2] == ("remove", 2)


def test_nobody_measured_is_no_reason_for_anything() -> None:
    for known in ((), samples({"app-1": 90, "app-2": 90}, until=200), samples({"other-1": 90})):
        act, _, reason = decided({"app-1": 0, "app-2": 0}, samples=known)
        assert (act, reason) == ("hold", "no server has been measured for a whole window of 5m")


def test_a_hole_in_the_window_is_no_full_window() -> None:
    known = samples({"app-1": 90, "app-2": 90}, until=200) + samples({"app-1": 90, "app-2": 90}, since=100)
    assert decided({"app-1": 0, "app-2": 0}, samples=known)[0] == "hold"


def test_a_spike_is_no_load() -> None:
    known = samples({"app-1": 100, "app-2": 100}, since=145) + samples({"app-1": 55, "app-2": 55}, until=155)
    act, _, reason = decided({"app-1": 0, "app-2": 0}, samples=known)
    assert act == "hold"
    assert reason.endswith("but not all the time: a spike")


def test_nobody_goes_whose_work_would_bring_the_others_close_to_the_limit() -> None:
    rules = Autoscale.model_validate({"max": 4, "above": 50, "below": 30})
    assert decided(dict.fromkeys(("app-1", "app-2", "app-3"), 29.0), rules)[0] == "hold"
    assert decided(dict.fromkeys(("app-1", "app-2", "app-3"), 26.0), rules)[0] == "remove"


@pytest.mark.parametrize("mad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_sample(mad: float) -> None:
    known = samples({"app-1": 50, "app-2": mad})
    found = decide(RULES, situation({"app-1": 50, "app-2": 50}, samples=known))
    assert (found.seen.measured, found.seen.away, found.seen.load) == (("app-1",), ("app-2",), 50)


@given(
    count=st.integers(1, 8),
    known=st.lists(
        st.builds(
            Sample,
            at=st.floats(NOW - 700, NOW + 100),
            server=st.sampled_from([f"app-{number}" for number in range(1, 10)]),
            cpu=st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=60,
    ),
    every=st.floats(0, 100),
    unwell=st.frozensets(st.sampled_from(["app-1", "app-2", "app-9"])),
    last=st.none() | st.floats(NOW - 10_000, NOW + 10_000),
)
def test_whatever_the_figures_are(
    count: int, known: list[Sample], every: float, unwell: frozenset[str], last: float | None
) -> None:
    """One step at most, within the limits, none in the cool-down, and always a reason; the order of samples is nothing."""
    servers = tuple(f"app-{number}" for number in range(1, count + 1))
    whole = [*known, *samples(dict.fromkeys(servers, every))]
    given_ = Situation(NOW, servers, tuple(whole), unwell, last)
    found = decide(RULES, given_)
    assert abs(found.count - count) == (found.act != "hold")
    assert found.act == "hold" or RULES.min <= found.count <= RULES.max
    assert found.act == "hold" or last is None or NOW - last >= 600
    assert found.reason
    assert found == decide(RULES, Situation(NOW, servers, tuple(reversed(whole)), unwell, last))
