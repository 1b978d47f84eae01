"""Ports and Redis indexes: sticky, independent of order, never shared, and clear when there is no room."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.plan import (
    PAIRS_PER_POOL,
    Allocation,
    Holding,
    PlanError,
    Ports,
    Request,
    Slot,
    allocate,
)
from codeb.plan.held import HeldDatabase, Serving

IDS = st.from_regex(r"[a-z][a-z0-9]{0,2}(-[a-z0-9]{1,2})?", fullmatch=True)
POOLS = st.sampled_from(["default", "second"])


@st.composite
def requests(draw: st.DrawFn, explicit: bool = False) -> list[Request]:
    ids = draw(st.lists(IDS, unique=True, max_size=18))
    pairs: st.SearchStrategy[Ports | None] = st.none()
    if explicit:
        pairs |= st.integers(3001, 3020).map(lambda app: Ports(app, app + 1))
    return [Request(i, draw(POOLS), draw(pairs), draw(st.booleans())) for i in ids]


def holdings(
    wanted: Sequence[Request], allocation: Allocation, before: Mapping[str, Holding] | None = None
) -> dict[str, Holding]:
    """What the next run finds in the registry, projects that left and are retained included."""
    held = dict(before or {})
    for r in wanted:
        slot, kept = allocation.slots.get(r.id), HeldDatabase()
        held[r.id] = Holding(r.id, r.pool, allocation.ports[r.id], slot, database=kept)
    return held


def assert_nothing_is_shared(
    wanted: Sequence[Request], allocation: Allocation, before: Mapping[str, Holding]
) -> None:
    everything = holdings(wanted, allocation, before).values()
    ports = [(h.pool, p) for h in everything if h.ports for p in (h.ports.app, h.ports.internal)]
    slots = [h.slot for h in everything if h.slot]
    assert len(set(ports)) == len(ports), "two projects share a port"
    assert len(set(slots)) == len(slots), "two projects share a Redis index"


@given(requests(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_manifests_does_not_matter(wanted: list[Request], shuffler: random.Random) -> None:
    shuffled = list(wanted)
    shuffler.shuffle(shuffled)
    assert allocate(shuffled, {}) == allocate(wanted, {})


@given(st.lists(requests(), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_nobody_moves_and_nothing_is_shared_whoever_comes_and_goes(runs: list[list[Request]]) -> None:
    before: dict[str, Holding] = {}
    for wanted in runs:
        allocation = allocate(wanted, before)
        assert_nothing_is_shared(wanted, allocation, before)
        for request in wanted:
            held = before.get(request.id)
            if held and held.pool == request.pool:
                assert allocation.ports[request.id] == held.ports, "a project has moved"
            if held and held.slot and request.cache:
                assert allocation.slots[request.id] == held.slot, "a project has moved"
        before = holdings(wanted, allocation, before)
        assert allocate(wanted, before) == allocation, "a second run changes something"


@given(st.lists(requests(explicit=True), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_explicit_ports_are_given_or_refused_with_both_names(runs: list[list[Request]]) -> None:
    before: dict[str, Holding] = {}
    for wanted in runs:
        try:
            allocation = allocate(wanted, before)
        except PlanError as error:
            known = {r.id for r in wanted} | set(before)
            for problem in error.problems:
                asking = problem.where.partition(":")[0]
                assert any(f": {name} " in problem.cause for name in known - {asking})
            continue
        assert_nothing_is_shared(wanted, allocation, before)
        assert all(allocation.ports[r.id] == r.explicit for r in wanted if r.explicit)
        before = holdings(wanted, allocation, before)


def test_the_first_projects_take_the_first_pairs_and_indexes_in_order_of_id() -> None:
    wanted = [Request("b", "default"), Request("c", "default", cache=False), Request("a", "default")]
    allocation = allocate(wanted, {})
    assert allocation.ports == {"a": Ports(3001, 3002), "b": Ports(3003, 3004), "c": Ports(3005, 3006)}
    assert allocation.slots == {"a": Slot(0, 2), "b": Slot(0, 3)}


def test_pools_have_ports_of_their_own() -> None:
    allocation = allocate([Request("a", "default"), Request("b", "second")], {})
    assert allocation.ports["a"] == allocation.ports["b"] == Ports(3001, 3002)


def test_the_fifteenth_cache_opens_a_second_redis() -> None:
    allocation = allocate([Request(f"p{i:02}", "default") for i in range(30)], {})
    assert allocation.slots["p13"] == Slot(0, 15)
    assert allocation.slots["p14"] == Slot(1, 2)
    assert allocation.slots["p29"] == Slot(2, 3)


def test_a_pool_holds_499_projects_and_then_says_what_to_do() -> None:
    full = [Request(f"p{i:03}", "default", cache=False) for i in range(PAIRS_PER_POOL)]
    allocation = allocate(full, {})
    assert PAIRS_PER_POOL == 499
    assert max(ports.internal for ports in allocation.ports.values()) == 3998
    with pytest.raises(PlanError) as refused:
        allocate([*full, Request("zz", "default")], {})
    (problem,) = refused.value.problems
    assert problem.where == "zz: servers.pool"
    assert "499" in problem.cause
    assert "another pool" in problem.remedy
    assert "1000 projects need three pools" in problem.remedy
    assert allocate([*full, Request("zz", "second")], {}).ports["zz"] == Ports(3001, 3002)


def test_two_manifests_that_ask_for_one_port_are_both_named() -> None:
    wanted = [Request("a", "default", Ports(3005, 3006)), Request("b", "default", Ports(3006, 3007))]
    with pytest.raises(PlanError) as refused:
        allocate(wanted, {})
    (problem,) = refused.value.problems
    assert problem.where == "b: servers.ports"
    assert problem.cause == "port 3006 of pool 'default' is taken: a asks for it too"


def test_explicit_ports_do_not_push_out_who_has_them() -> None:
    held = {"a": Holding("a", ports=Ports(3001, 3002), slot=Slot(0, 2), database=HeldDatabase())}
    with pytest.raises(PlanError, match="a holds it since an earlier run"):
        allocate([Request("a", "default"), Request("b", "default", Ports(3001, 3002))], held)
    with pytest.raises(PlanError, match="a holds it since an earlier run"):
        allocate([Request("b", "default", Ports(3002, 3001))], held)


def test_what_a_leaving_project_may_still_use_is_given_to_those_who_ask_for_it_only() -> None:
    held = {"a": Holding("a", ports=Ports(3001, 3002), slot=Slot(0, 2))}
    allocation = allocate([Request("b", "default"), Request("c", "default", Ports(3002, 3001))], held)
    assert allocation.ports == {"b": Ports(3003, 3004), "c": Ports(3002, 3001)}
    assert allocation.slots == {"b": Slot(0, 3), "c": Slot(0, 4)}


def test_ports_that_a_project_serves_on_until_its_new_ones_are_released_are_not_free() -> None:
    moved = Holding("a", ports=Ports(3001, 3002), serves=Serving(ports=Ports(3003, 3004)))
    allocation = allocate([Request("a", "default"), Request("b", "default")], {"a": moved})
    assert allocation.ports == {"a": Ports(3001, 3002), "b": Ports(3005, 3006)}


def test_two_projects_can_swap_their_explicit_ports() -> None:
    one, other = Ports(3001, 3002), Ports(3003, 3004)
    held = {"a": Holding("a", ports=one), "b": Holding("b", ports=other)}
    allocation = allocate([Request("a", "default", other), Request("b", "default", one)], held)
    assert allocation.ports == {"a": other, "b": one}


def test_automatic_pairs_go_around_explicit_ones() -> None:
    allocation = allocate([Request("a", "default"), Request("z", "default", Ports(3002, 3500))], {})
    assert allocation.ports["a"] == Ports(3003, 3004)


def test_a_project_that_changes_pool_takes_its_ports_along_when_they_are_free() -> None:
    held = {"a": Holding("a", ports=Ports(3009, 3010)), "b": Holding("b", "second", Ports(3001, 3002))}
    assert allocate([Request("a", "second"), Request("b", "second")], held).ports["a"] == Ports(3009, 3010)
    held["b"] = Holding("b", "second", Ports(3009, 3010))
    moved = allocate([Request("a", "second"), Request("b", "second")], held)
    assert moved.ports == {"a": Ports(3001, 3002), "b": Ports(3009, 3010)}


def test_retained_projects_keep_their_ports_and_index() -> None:
    held = {"gone": Holding("gone", ports=Ports(3001, 3002), slot=Slot(0, 2), retained=True)}
    allocation = allocate([Request("a", "default")], held)
    assert allocation.ports["a"] == Ports(3003, 3004)
    assert allocation.slots["a"] == Slot(0, 3)
