"""Servers: which ones run a project, by memory and replicas, and what a stack must have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.model import Manifest, ManifestSource, load_manifests
from codeb.plan import PlanError, ServerPlan
from codeb.plan.placement import check_edge, data_server, place, room

GIB = 1 << 30


def server(name: str, *roles: Any, pool: str = "default", gib: int | None = None) -> ServerPlan:
    memory = None if gib is None else gib * GIB
    return ServerPlan(name, name, "10.0.0.1", 22, "root", roles, pool, memory)


def manifest(project_id: str = "blog", memory: str = "512Mi", **servers: Any) -> Manifest:
    document = {
        "project": {"id": project_id},
        "environment": {"domain": f"{project_id}.lab.test", "image": "ghcr.io/x/blog:1"},
        "servers": servers,
        "resources": {"memory": memory},
    }
    return load_manifests([ManifestSource("blog.yaml", json.dumps(document))])[project_id]


FLEET = [server(f"app{i}", "app") for i in range(1, 6)] + [
    server("db1", "data"),
    server("far1", "app", pool="far"),
]


def placed(wanted: Manifest, servers: list[ServerPlan], before: tuple[str, ...] = ()) -> tuple[str, ...]:
    return place([wanted], servers, {wanted.id: before})[wanted.id]


def test_a_project_runs_in_its_pool_on_as_many_servers_as_it_asks_for() -> None:
    found = placed(manifest(replicas=2), FLEET)
    assert len(set(found)) == 2
    assert set(found) <= {f"app{i}" for i in range(1, 6)}
    assert placed(manifest(pool="far"), FLEET) == ("far1",)


def test_placement_does_not_depend_on_the_order_of_servers() -> None:
    assert placed(manifest(replicas=3), FLEET) == placed(manifest(replicas=3), FLEET[::-1])


def test_a_project_stays_where_it_is() -> None:
    for name in ("app1", "app5"):
        assert placed(manifest(), FLEET, (name,)) == (name,)


def test_a_server_that_comes_or_goes_moves_nobody_else() -> None:
    before = placed(manifest(replicas=2), FLEET)
    gone = next(s for s in FLEET if s.name == before[0])
    after = placed(manifest(replicas=2), [s for s in FLEET if s != gone], before)
    assert before[1] in after
    assert placed(manifest(replicas=2), [*FLEET, server("app9", "app")], before) == before


def test_who_asks_for_all_runs_on_what_comes_and_on_what_stays() -> None:
    assert placed(manifest(replicas="all"), FLEET) == tuple(f"app{i}" for i in range(1, 6))
    more = [*FLEET, server("app9", "app")]
    assert placed(manifest(replicas="all"), more, ("app1",)) == (*(f"app{i}" for i in range(1, 6)), "app9")
    assert placed(manifest(replicas="all"), FLEET[:2], ("app1", "app5")) == ("app1", "app2")
    assert placed(manifest(replicas="all"), FLEET[:1]) == ("app1",)


def test_a_range_takes_what_the_pool_has() -> None:
    before = placed(manifest(replicas="2-3"), FLEET)
    assert len(before) == 3
    assert placed(manifest(replicas="2-3"), [*FLEET, server("app9", "app")], before) == before
    assert placed(manifest(replicas="2-4"), FLEET[:2]) == ("app1", "app2")
    grown = placed(manifest(replicas="2-4"), FLEET[:3], ("app1", "app2"))
    assert grown == ("app1", "app2", "app3"), "nobody is moved"
    with pytest.raises(PlanError, match="2 replicas, but pool 'default' has 1 servers"):
        placed(manifest(replicas="2-4"), FLEET[:1])


@given(
    count=st.integers(1, 5),
    later=st.integers(1, 5),
    replicas=st.sampled_from(["all", "1-2", "1-5", "1-16", 1]),
)
def test_a_pool_that_grows_or_shrinks_moves_no_replica_that_can_stay(
    count: int, later: int, replicas: str | int
) -> None:
    before = placed(manifest(replicas=replicas), FLEET[:count])
    after = placed(manifest(replicas=replicas), FLEET[:later], before)
    there = {each.name for each in FLEET[:later]}
    assert set(before) & there <= set(after)
    assert set(after) <= there
    if replicas == "all":
        assert set(after) == there


def test_servers_whose_memory_nobody_knows_are_ranked_as_ever() -> None:
    """The places of stacks with existing servers, as the version before memory counted gave them out."""
    found = place([manifest(f"project-{i}") for i in range(8)], FLEET, {})
    places = [found[f"project-{i}"][0] for i in range(8)]
    assert places == ["app4", "app4", "app4", "app5", "app2", "app3", "app2", "app2"]


def test_projects_spread_over_the_pool() -> None:
    used = {placed(manifest(f"project-{i}"), FLEET)[0] for i in range(60)}
    assert used == {f"app{i}" for i in range(1, 6)}


def test_the_server_with_most_room_comes_first() -> None:
    servers = [server("small", "app", gib=4), server("large", "app", gib=16)]
    found = place([manifest(f"p-{i}", "2Gi") for i in range(5)], servers, {})
    assert sorted(name for names in found.values() for name in names) == ["large"] * 5
    more = place([manifest(f"p-{i}", "2Gi") for i in range(8)], servers, {})
    assert [names for names in more.values()].count(("small",)) == 1


def test_what_runs_already_takes_its_memory_first() -> None:
    servers = [server("a", "app", gib=8), server("b", "app", gib=8)]
    found = place([manifest("big", "6Gi"), manifest("new", "1Gi")], servers, {"big": ["a"]})
    assert found == {"big": ("a",), "new": ("b",)}


def test_room_is_kept_for_the_system_and_for_the_data_services() -> None:
    assert room(server("a", "app", gib=16)) == 15 * GIB
    assert room(server("a", "app", "data", gib=16), caches=GIB) == 12 * GIB
    assert room(server("a", "app")) is None


def test_a_server_that_may_have_room_comes_before_one_that_has_none() -> None:
    servers = [server("full", "app", gib=2), server("own", "app")]
    assert placed(manifest(memory="4Gi"), servers) == ("own",)
    assert placed(manifest(memory="512Mi"), servers) == ("full",)
    assert placed(manifest(memory="4Gi"), servers[:1]) == ("full",), "full servers still run what they must"


def test_too_few_servers_say_what_to_do() -> None:
    with pytest.raises(PlanError, match="6 replicas, but pool 'default' has 5 servers"):
        placed(manifest(replicas=6), FLEET)
    with pytest.raises(PlanError, match="no server with role app belongs to pool 'missing'"):
        placed(manifest(pool="missing"), FLEET)


def test_all_pools_that_are_too_small_are_named_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        place([manifest("one", replicas=6), manifest("two", pool="missing")], FLEET, {})
    assert len(caught.value.problems) == 2


def test_a_stack_needs_one_data_server_and_an_edge() -> None:
    with pytest.raises(PlanError, match="no server has the role data"):
        data_server([server("a", "app")])
    with pytest.raises(PlanError, match="2 servers have the role data"):
        data_server([server("a", "data"), server("b", "data")])
    with pytest.raises(PlanError, match="no server has the role edge"):
        check_edge(FLEET)


SIZES = ["256Mi", "1Gi", "3Gi"]
MANIFESTS = {
    (key, size, replicas): manifest(key, size, replicas=replicas)
    for key in ("aa-a", "bb-b", "cc-c", "dd-d", "ee-e")
    for size in SIZES
    for replicas in (1, 2)
}
projects = st.lists(st.sampled_from(list(MANIFESTS)), unique_by=lambda key: key[0], min_size=1)
pools = st.lists(st.sampled_from([None, 1, 4, 8, 16]), min_size=2, max_size=5)


@settings(max_examples=150, deadline=None)
@given(projects, pools, st.randoms())
def test_placement_is_sticky_and_independent_of_order(
    chosen: list[tuple[str, str, int]], memory: list[int | None], random: Any
) -> None:
    wanted = [MANIFESTS[key] for key in chosen]
    servers = [server(f"s{i}", "app", gib=gib) for i, gib in enumerate(memory)]
    found = place(wanted, servers, {})
    for each in wanted:
        assert len(set(found[each.id])) == each.servers.replicas.least, (
            "no server twice, as many as asked for"
        )
    shuffled, others = wanted[:], servers[:]
    random.shuffle(shuffled)
    random.shuffle(others)
    assert place(shuffled, others, {}) == found
    assert place(wanted, servers, found) == found, "a second run moves nobody"
    assert place(wanted, [*servers, server("new", "app", gib=64)], found) == found, (
        "a new server moves nobody"
    )
    assert place(wanted[:1], servers, found).items() <= found.items(), "a project that goes moves nobody"


@settings(max_examples=150, deadline=None)
@given(projects, pools)
def test_a_server_that_goes_moves_only_what_it_ran(
    chosen: list[tuple[str, str, int]], memory: list[int | None]
) -> None:
    wanted = [MANIFESTS[key] for key in chosen]
    servers = [server(f"s{i}", "app", gib=gib) for i, gib in enumerate([*memory, 4])]
    before = place(wanted, servers, {})
    after = place(wanted, servers[1:], before)
    for key, names in before.items():
        assert set(names) - {"s0"} <= set(after[key])
        assert "s0" in names or after[key] == names
