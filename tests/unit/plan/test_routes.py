"""Which edge reaches a project through whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from codeb.plan import Plan, ProjectPlan, ServerPlan, routes

ALL = ("app", "data", "edge")


def server(name: str, *roles: str) -> ServerPlan:
    return ServerPlan(
        name, f"203.0.113.{name[-1]}", f"10.0.0.{name[-1]}", 22, "root", cast(Any, roles), "default"
    )


def stack(*servers: ServerPlan) -> Plan:
    return cast(
        Plan,
        SimpleNamespace(
            servers=servers, fleet=None, server=lambda name: next(s for s in servers if s.name == name)
        ),
    )


def on(*servers: str) -> ProjectPlan:
    return cast(ProjectPlan, SimpleNamespace(id="shop", servers=servers))


def test_one_server_has_no_doors() -> None:
    alone = server("s1", *ALL)
    plan = stack(alone)
    assert routes.outer(plan, on("s1"), alone) == routes.Outer((), near=True)
    assert not routes.has_inner(plan, alone)
    assert not routes.is_behind_inner(plan, on("s1"), alone)
    assert routes.routed(plan, on("s1")) == ()


def test_an_only_edge_with_the_only_replica_has_none_either() -> None:
    edge, data = server("s1", "app", "edge"), server("s2", "data")
    plan = stack(edge, data)
    assert routes.outer(plan, on("s1"), edge) == routes.Outer((), near=True)
    assert not routes.has_inner(plan, edge)
    assert not routes.is_behind_inner(plan, on("s1"), edge)
    assert routes.outer(plan, on("s1"), data) is None


def test_the_own_replica_comes_first_and_the_rest_in_a_ring() -> None:
    servers = [server(f"s{number}", "app", "edge") for number in range(1, 5)]
    plan = stack(*servers)
    found = {each.name: routes.outer(plan, on("s1", "s2", "s3"), each) for each in servers}
    doors = {name: outer.replicas for name, outer in found.items() if outer}
    assert doors == {
        "s1": ("127.0.0.1:8100", "10.0.0.2:8100", "10.0.0.3:8100"),
        "s2": ("127.0.0.1:8100", "10.0.0.3:8100", "10.0.0.1:8100"),
        "s3": ("127.0.0.1:8100", "10.0.0.1:8100", "10.0.0.2:8100"),
        "s4": ("10.0.0.1:8100", "10.0.0.2:8100", "10.0.0.3:8100"),
    }
    assert [outer.near for outer in found.values() if outer] == [True, True, True, False]
    assert [edge.name for edge in routes.routed(plan, on("s1", "s2", "s3"))] == ["s4"]


def test_a_single_replica_is_direct_on_its_own_edge_and_behind_a_door_for_the_others() -> None:
    one, two = server("s1", "app", "edge"), server("s2", "app", "edge")
    plan = stack(one, two)
    assert routes.outer(plan, on("s1"), one) == routes.Outer((), near=True)
    assert routes.is_behind_inner(plan, on("s1"), one)
    assert routes.outer(plan, on("s1"), two) == routes.Outer(("10.0.0.1:8100",), near=False)


@pytest.mark.parametrize(
    ("roles", "callers"),
    [
        ((("app", "edge"), ("app",)), {"s1": (), "s2": ("10.0.0.1",)}),
        ((("app",), ("edge",)), {"s1": ("10.0.0.2",)}),
        ((("app", "edge"), ("app", "edge")), {"s1": ("10.0.0.2",), "s2": ("10.0.0.1",)}),
        ((("app", "edge"), ("data",)), {}),
        ((ALL,), {}),
    ],
)
def test_only_edges_elsewhere_are_let_in(
    roles: tuple[tuple[str, ...], ...], callers: dict[str, tuple[str, ...]]
) -> None:
    servers = [server(f"s{number}", *its) for number, its in enumerate(roles, 1)]
    plan = stack(*servers)
    assert {s.name: routes.callers(plan, s) for s in servers if routes.has_inner(plan, s)} == callers


def test_addresses_that_only_the_cloud_knows_are_passed_on_as_they_are() -> None:
    edge = server("s1", "edge")
    far = ServerPlan("app-1", "@{address:app-1}", "@{private:app-1}", 22, "root", ("app",), "default")
    outer = routes.outer(stack(edge, far), on("app-1"), edge)
    assert outer is not None
    assert outer.replicas == ("@{private:app-1}:8100",)
