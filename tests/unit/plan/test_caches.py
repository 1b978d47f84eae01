"""Redis instances of projects' own: never shared, kept while something uses them, and clear when there is no room."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.model import Cache
from codeb.plan import Holding, Instance, PlanError, Request, Slot, allocate
from codeb.plan.caches import FIRST_OWN_PORT, LAST_OWN_PORT, own_instances, redis_plans

MIB = 1 << 20
OWN = Cache.model_validate({"dedicated": "64Mi"})
SHARED = Cache()
OFF = Cache(enabled=False)
IDS = st.sampled_from(["blog", "shop", "food", "estate", "queue"])


@st.composite
def wanted(draw: st.DrawFn) -> dict[str, Cache]:
    ids = draw(st.sets(IDS))
    return {key: draw(st.sampled_from([OWN, SHARED, OFF])) for key in sorted(ids)}


def next_run(
    wishes: Mapping[str, Cache], before: Mapping[str, Holding], serving: Mapping[str, tuple[str, ...] | None]
) -> dict[str, Holding]:
    """What the registry says afterwards; projects that left are retained. `serving` are the caches in use, by project."""
    own = own_instances(wishes, before)
    requests = [
        Request(key, "default", None, c.enabled, c.dedicated is not None) for key, c in wishes.items()
    ]
    allocation = allocate(requests, before)
    held = dict(before)
    for key, cache in wishes.items():
        held[key] = Holding(
            key,
            ports=allocation.ports[key],
            slot=allocation.slots.get(key),
            instance=own.get(key) if cache.enabled else None,
            caches=serving.get(key),
        )
    return held


@given(st.lists(st.tuples(wanted(), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_whoever_comes_goes_and_changes_his_mind_nothing_is_shared(
    runs: list[tuple[dict[str, Cache], bool]],
) -> None:
    before: dict[str, Holding] = {}
    for wishes, released in runs:
        own = own_instances(wishes, before)
        slots = [held.slot for held in before.values() if held.slot]
        plans = redis_plans(slots, own)
        assert len({plan.port for plan in plans}) == len(plans), "two instances share a port"
        assert len({plan.name for plan in plans}) == len(plans)
        assert {plan.owner for plan in plans if plan.owner} >= {k for k, c in wishes.items() if c.dedicated}
        for key, held in before.items():
            if held.instance and (key not in wishes or held.caches is None):
                assert own[key].port == held.instance.port, "something that may be used has moved or gone"
            if held.instance and wishes.get(key) is SHARED:
                assert own.get(key, held.instance) == held.instance, "what only stays is not touched"
        serving = {key: ("10.0.0.1:6379",) if released else None for key in wishes}
        after = next_run(wishes, before, serving)
        taken = [held.slot for held in after.values() if held.slot]
        assert len(set(taken)) == len(taken), "two projects share an index"
        assert all(
            after[k].slot == h.slot for k, h in before.items() if h.slot and k in wishes and wishes[k].enabled
        )
        before = after


def test_an_instance_stays_until_no_release_uses_it() -> None:
    held = Instance(FIRST_OWN_PORT, 64 * MIB, "allkeys-lfu")
    used = Holding("shop", instance=held, caches=("10.0.0.1:6379", f"10.0.0.1:{FIRST_OWN_PORT}"))
    assert own_instances({"shop": SHARED}, {"shop": used}) == {"shop": held}
    unknown = Holding("shop", instance=held)
    assert own_instances({"shop": SHARED}, {"shop": unknown}) == {"shop": held}, "an older agent doesn't say"
    left_behind = Holding("shop", instance=held, caches=("10.0.0.1:6379",))
    assert own_instances({"shop": SHARED}, {"shop": left_behind}) == {}
    assert own_instances({"other": OWN}, {"shop": left_behind})["other"].port != held.port, (
        "it goes in this very run"
    )
    assert own_instances({}, {"shop": used}) == {"shop": held}, "who leaves still runs while the run lasts"


def test_a_size_that_changes_changes_no_port() -> None:
    held = {"shop": Holding("shop", instance=Instance(8005, 64 * MIB, "noeviction"))}
    larger = Cache.model_validate({"dedicated": "128Mi", "eviction": "volatile-lru"})
    assert own_instances({"shop": larger}, held) == {"shop": Instance(8005, 128 * MIB, "volatile-lru")}


def test_when_no_port_is_left_every_project_is_named_with_what_to_do() -> None:
    room = LAST_OWN_PORT - FIRST_OWN_PORT + 1
    wishes = {f"p{number:04}": OWN for number in range(room + 2)}
    with pytest.raises(PlanError) as refused:
        own_instances(wishes, {})
    assert [problem.where for problem in refused.value.problems] == [
        f"p{number:04}: resources.cache.dedicated" for number in (room, room + 1)
    ]
    assert len(own_instances(dict(list(wishes.items())[:room]), {})) == room


def test_shared_instances_and_own_ones_never_meet() -> None:
    last_shared = redis_plans([Slot(999, 2)], {})[-1]
    assert last_shared.port < FIRST_OWN_PORT
    assert LAST_OWN_PORT < 9000, "MinIO's"
