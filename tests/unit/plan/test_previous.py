"""Reading the registry of the previous run: floats, older versions, and damage."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.plan import BucketPlan, PlanError, Ports, Slot, read_previous

ENTRY: dict[str, Any] = {
    "id": "blog",
    "ports": {"app": 3001.0, "internal": 3002.0},
    "redis": {"db_index": 2.0, "instance": "redis-1"},
    "database": {"name": "blog_db", "port": 5432.0, "connection_limit": 7.0, "extensions": ["citext"]},
    "minio": {
        "bucket": "blog-uploads",
        "buckets": [{"name": "blog-uploads", "suffix": "uploads", "quota": 5.0}],
    },
    "pool": "second",
    "servers": ["app1"],
    "status": "running",
    "lifecycle": "destroy",
}


def registry(**projects: Any) -> dict[str, Any]:
    return {"version": 1.0, "projects": projects}


def test_a_first_run_has_no_registry() -> None:
    assert read_previous(None) == {}
    assert read_previous({}) == {}


def test_numbers_come_back_as_floats() -> None:
    held = read_previous(registry(blog=ENTRY))["blog"]
    assert held.ports == Ports(3001, 3002)
    assert all(isinstance(port, int) for port in (held.ports.app, held.ports.internal))
    assert held.slot == Slot(1, 2)
    assert held.database is not None
    assert held.database.connection_limit == 7
    assert held.buckets == (BucketPlan("blog-uploads", "uploads", "private", 5, None),)
    assert (held.pool, held.servers, held.lifecycle, held.retained) == ("second", ("app1",), "destroy", False)


def test_an_entry_with_only_the_required_keys_is_understood() -> None:
    oldest = {
        "id": "blog-app",
        "ports": {"app": 3005, "internal": 3006},
        "database": {"name": "blog_db", "port": 5432},
        "redis": {"db_index": 4},
        "minio": {"bucket": "blog-files"},
    }
    held = read_previous({"projects": {"blog-app": oldest}})["blog-app"]
    assert held.pool == "default"
    assert held.slot == Slot(0, 4)
    assert held.buckets == (BucketPlan("blog-files", "files"),)
    assert held.lifecycle == "retain"


def test_a_project_without_data_services_is_understood() -> None:
    held = read_previous(registry(blog={"ports": {"app": 3001, "internal": 3002}, "redis": None}))["blog"]
    assert (held.slot, held.database, held.buckets) == (None, None, ())


@pytest.mark.parametrize(
    ("change", "where", "cause"),
    [
        ({"ports": {"app": "x", "internal": 3002}}, "registry.projects.blog.ports.app", "got str 'x'"),
        ({"ports": {"app": 3001.5, "internal": 3002}}, "registry.projects.blog.ports.app", "whole number"),
        ({"ports": {"app": float("nan"), "internal": 1}}, "registry.projects.blog.ports.app", "whole number"),
        ({"ports": {"app": True, "internal": 1}}, "registry.projects.blog.ports.app", "whole number"),
        ({"ports": {"app": 3001}}, "registry.projects.blog.ports.internal", "got nothing"),
        (
            {"ports": {"app": 3001, "internal": 3001}},
            "registry.projects.blog.ports.internal",
            "also the app port",
        ),
        ({"ports": 3001}, "registry.projects.blog.ports", "expected a mapping"),
        ({"redis": {"db_index": 16}}, "registry.projects.blog.redis.db_index", "from 2 to 15"),
        (
            {"redis": {"db_index": 2, "instance": "cache"}},
            "registry.projects.blog.redis.instance",
            "Redis instance",
        ),
        ({"pool": 7}, "registry.projects.blog.pool", "expected text"),
        ({"lifecycle": "burn"}, "registry.projects.blog.lifecycle", "'burn'"),
        ({"servers": "app1"}, "registry.projects.blog.servers", "expected a list"),
        (
            {"minio": {"buckets": [{"name": "x"}]}},
            "registry.projects.blog.minio.buckets[0].suffix",
            "got nothing",
        ),
    ],
)
def test_damage_is_an_error_with_its_place(change: dict[str, Any], where: str, cause: str) -> None:
    with pytest.raises(PlanError) as refused:
        read_previous(registry(blog=ENTRY | change))
    (problem,) = refused.value.problems
    assert problem.where == where
    assert cause in problem.cause
    assert problem.remedy


@pytest.mark.parametrize("value", ["text", [], 3, {"version": 1}, {"version": 1, "projects": []}])
def test_a_value_that_is_no_registry_is_refused(value: object) -> None:
    with pytest.raises(PlanError, match="registry"):
        read_previous(value)


def test_a_newer_registry_asks_for_a_newer_program() -> None:
    with pytest.raises(PlanError, match="Update the program"):
        read_previous({"version": 2, "projects": {}})


def test_every_damaged_entry_is_reported_at_once() -> None:
    with pytest.raises(PlanError) as refused:
        read_previous(registry(a={"ports": 1}, b={"redis": {}}, c=ENTRY))
    assert len(refused.value.problems) == 2


def test_two_entries_that_hold_one_port_are_refused() -> None:
    with pytest.raises(PlanError, match="port 3001 is also held by blog"):
        read_previous(
            registry(blog=ENTRY, shop=ENTRY | {"redis": None, "ports": {"app": 3000, "internal": 3001}})
        )


def test_a_hostile_project_id_is_refused() -> None:
    with pytest.raises(PlanError, match="is not a project id"):
        read_previous(registry(**{"../etc": ENTRY}))
