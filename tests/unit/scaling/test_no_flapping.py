"""Days that nobody wrote down: rules that hold on every generated curve, step after step."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.model import Autoscale
from codeb.scaling.decision import ROOM
from tests.cases.scaling import curves
from tests.cases.scaling.played import Demand, Faults, Pool, Tick

HOURS = 4


@st.composite
def rules(draw: st.DrawFn) -> Autoscale:
    below = draw(st.integers(5, 60))
    least = draw(st.integers(2, 4))
    document: dict[str, Any] = {
        "min": least,
        "max": draw(st.integers(least, 8)),
        "below": below,
        "above": draw(st.integers(below + 20, 95)),
        "window": draw(st.sampled_from(["2m", "5m", "10m"])),
        "coolDown": draw(st.sampled_from(["2m", "10m", "20m"])),
    }
    return Autoscale.model_validate(document)


LEVELS = st.floats(0, 500)
DEMANDS: st.SearchStrategy[Demand] = st.one_of(
    st.builds(curves.flat, LEVELS),
    st.builds(curves.day, LEVELS, LEVELS),
    st.builds(curves.sawtooth, LEVELS, LEVELS, st.floats(120, 7200)),
    st.builds(curves.spikes, LEVELS, LEVELS, st.floats(300, 7200), st.floats(15, 900)),
    st.lists(st.tuples(st.floats(0, HOURS * 3600), LEVELS), min_size=1, max_size=12).map(
        lambda levels: curves.steps(sorted(levels))
    ),
)
TIMES = st.tuples(st.floats(0, HOURS * 3600), st.floats(60, 7200)).map(lambda span: (span[0], sum(span)))
FAULTS = st.builds(
    Faults,
    dead=st.lists(
        st.tuples(st.sampled_from(["app-1", "app-2", "app-3"]), TIMES).map(lambda each: (each[0], *each[1])),
        max_size=3,
    ),
    refused=st.lists(TIMES, max_size=2),
)


def played(found: Autoscale, demand: Demand, faults: Faults, noise: float, seed: int) -> list[Tick]:
    pool = Pool(found, demand, faults, noise, seed, start=found.min)
    return list(pool.play(HOURS * 3600))


@settings(max_examples=25, deadline=None)
@given(rules(), DEMANDS, FAULTS, st.floats(0, 40), st.integers(0, 999))
def test_bounds_one_step_and_the_cool_down(
    found: Autoscale, demand: Demand, faults: Faults, noise: float, seed: int
) -> None:
    ticks = played(found, demand, faults, noise, seed)
    for tick in ticks:
        assert found.min <= tick.before <= found.max
        assert found.min <= tick.decision.count <= found.max
        assert abs(tick.decision.count - tick.before) == (tick.act != "hold")
    tried = [tick for tick in ticks if tick.act != "hold"]
    for earlier, later in pairwise(tried):
        assert later.at - earlier.at >= max(found.cool_down, found.window) / 1000


@settings(max_examples=25, deadline=None)
@given(rules(), DEMANDS, st.integers(0, 999))
def test_a_step_is_followed_by_its_opposite_only_when_the_load_has_changed(
    found: Autoscale, demand: Demand, seed: int
) -> None:
    """By `ROOM` percent points of the servers that stay, whatever the curve: between `above` and what calls for less."""
    done = [tick for tick in played(found, demand, Faults(), 0.0, seed) if tick.done]
    for one, other in pairwise(done):
        if {one.act, other.act} != {"add", "remove"}:
            continue
        add, remove = (one, other) if one.act == "add" else (other, one)
        assert add.demand - remove.demand >= ROOM * min(add.before, remove.before - 1) - 1e-6


@settings(max_examples=15, deadline=None)
@given(rules(), LEVELS, st.floats(0, 10), st.integers(0, 999))
def test_a_load_that_stays_makes_the_number_settle(
    found: Autoscale, level: float, noise: float, seed: int
) -> None:
    """From whatever it starts with it goes in one direction, and noise calls nobody back."""
    done = [tick.act for tick in played(found, curves.flat(level), Faults(), noise, seed) if tick.done]
    assert len(set(done)) <= 1
