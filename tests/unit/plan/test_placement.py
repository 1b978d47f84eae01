"""Servers: which ones run a project, and what a stack must have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.model import Manifest, ManifestSource, load_manifests
from codeb.plan import PlanError, ServerPlan
from codeb.plan.placement import check_edge, data_server, place


def server(name: str, *roles: Any, pool: str = "default") -> ServerPlan:
    return ServerPlan(name, name, "10.0.0.1", 22, "root", roles, pool)


def manifest(project_id: str = "blog", **servers: Any) -> Manifest:
    environment = {"domain": "blog.lab.test", "image": "ghcr.io/x/blog:1"}
    text = json.dumps({"project": {"id": project_id}, "environment": environment, "servers": servers})
    return load_manifests([ManifestSource("blog.yaml", text)])[project_id]


FLEET = [server(f"app{i}", "app") for i in range(1, 6)] + [
    server("db1", "data"),
    server("far1", "app", pool="far"),
]


def test_a_project_runs_in_its_pool_on_as_many_servers_as_it_asks_for() -> None:
    found = place(manifest(replicas=2), FLEET, ())
    assert len(set(found)) == 2
    assert set(found) <= {f"app{i}" for i in range(1, 6)}
    assert place(manifest(pool="far"), FLEET, ()) == ("far1",)


def test_placement_does_not_depend_on_the_order_of_servers() -> None:
    assert place(manifest(replicas=3), FLEET, ()) == place(manifest(replicas=3), FLEET[::-1], ())


def test_a_project_stays_where_it_is() -> None:
    for name in ("app1", "app5"):
        assert place(manifest(), FLEET, (name,)) == (name,)


def test_a_server_that_comes_or_goes_moves_nobody_else() -> None:
    before = place(manifest(replicas=2), FLEET, ())
    gone = next(s for s in FLEET if s.name == before[0])
    after = place(manifest(replicas=2), [s for s in FLEET if s != gone], before)
    assert before[1] in after
    assert place(manifest(replicas=2), [*FLEET, server("app9", "app")], before) == before


def test_projects_spread_over_the_pool() -> None:
    used = {place(manifest(f"project-{i}"), FLEET, ())[0] for i in range(60)}
    assert used == {f"app{i}" for i in range(1, 6)}


def test_too_few_servers_say_what_to_do() -> None:
    with pytest.raises(PlanError, match="6 replicas, but pool 'default' has 5 servers"):
        place(manifest(replicas=6), FLEET, ())
    with pytest.raises(PlanError, match="no server with role app belongs to pool 'missing'"):
        place(manifest(pool="missing"), FLEET, ())


def test_a_stack_needs_one_data_server_and_an_edge() -> None:
    with pytest.raises(PlanError, match="no server has the role data"):
        data_server([server("a", "app")])
    with pytest.raises(PlanError, match="2 servers have the role data"):
        data_server([server("a", "data"), server("b", "data")])
    with pytest.raises(PlanError, match="no server has the role edge"):
        check_edge(FLEET)
