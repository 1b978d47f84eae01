"""The registry: the required shape, what a release adds, and that the next run reads back what this one
wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from codeb import registry
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, Ports, Slot, make_plan
from codeb.render.environment import project_environment
from codeb.secrets import ProjectCredentials

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
SERVER = {
    "name": "codeb1",
    "address": "a",
    "privateAddress": "10.0.0.1",
    "roles": ["app", "data", "edge"],
    "hostKey": KEY,
}
REQUIRED = {
    *(
        "id",
        "name",
        "status",
        "created_at",
        "ports",
        "database",
        "redis",
        "minio",
        "domain",
        "container_id",
        "health",
    ),
}
ANSWER = {
    "ok": True,
    "project": "blog",
    "active": "green",
    "image": "ghcr.io/x/blog:1",
    "digest": "sha256:" + "a" * 64,
    "container_id": "0123",
    "health": {"status": "healthy", "last_check": "2026-11-23T04:00:00Z"},
    "created_at": "2026-11-01T00:00:00Z",
    "released_at": "2026-11-23T04:00:00Z",
    "changed": True,
}


def manifest(project_id: str, **sections: Any) -> dict[str, Any]:
    environment = {"domain": f"{project_id}.lab.test", "image": f"ghcr.io/x/{project_id}:1"}
    base: dict[str, Any] = {"project": {"id": project_id}, "environment": environment}
    return {name: base.get(name, {}) | sections.get(name, {}) for name in {*base, *sections}}


def plan_of(previous: object, *manifests: dict[str, Any]) -> Plan:
    settings = parse_settings({"domain": "lab.test", "servers": [SERVER]})
    sources = [ManifestSource(f"{m['project']['id']}.yaml", json.dumps(m)) for m in manifests]
    return make_plan(settings, load_manifests(sources, settings), previous)


def written(plan: Plan) -> dict[str, Any]:
    """The registry as a stack output gives it back: JSON whose numbers are floats."""
    document = registry.document(registry.planned_entries(plan))
    found: dict[str, Any] = json.loads(json.dumps(document), parse_int=float)
    return found


def test_an_entry_has_the_required_shape() -> None:
    entry = registry.planned_entry(plan_of(None, manifest("blog")).project("blog"))
    assert entry.keys() >= REQUIRED
    assert entry["ports"] == {"app": 3001, "internal": 3002}
    assert (entry["database"]["name"], entry["database"]["port"]) == ("blog_db", 5432)
    assert entry["redis"] == {"db_index": 2, "instance": "redis-0"}
    assert entry["minio"]["bucket"] == "blog-uploads"
    assert entry["health"] == {"status": "unknown", "last_check": None}
    assert entry["status"] == "planned"


def test_a_release_completes_the_entry() -> None:
    entry = registry.with_release(
        registry.planned_entry(plan_of(None, manifest("blog")).project("blog")), ANSWER
    )
    assert entry["status"] == "running"
    assert entry["container_id"] == "0123"
    assert entry["health"] == ANSWER["health"]
    assert (entry["active"], entry["digest"], entry["created_at"]) == (
        "green",
        ANSWER["digest"],
        ANSWER["created_at"],
    )


def test_the_answer_of_another_project_is_refused() -> None:
    entry = registry.planned_entry(plan_of(None, manifest("shop")).project("shop"))
    with pytest.raises(ValueError, match="is about 'blog'"):
        registry.with_release(entry, ANSWER)


def test_a_second_run_plans_the_same() -> None:
    manifests = [manifest("blog"), manifest("shop", servers={"ports": {"app": 3100, "internal": 3101}})]
    first = plan_of(None, *manifests)
    again = plan_of(written(first), *manifests)
    assert again == first
    assert written(again) == written(first)
    assert again.notes == ()


def test_a_project_leaves_and_comes_back_to_its_data() -> None:
    both = plan_of(None, manifest("blog"), manifest("shop"))
    left = plan_of(written(both), manifest("shop"), manifest("new"))
    (kept,) = left.retained
    assert (kept.id, kept.database, kept.buckets) == (
        "blog",
        both.projects[0].database,
        tuple(replace(bucket, versions_days=None) for bucket in both.projects[0].buckets),
    )
    assert left.project("new").ports == Ports(3005, 3006)
    assert left.notes[0].startswith(
        "blog leaves: its app stops at the end of this run; kept: database blog_db and bucket blog-uploads."
    )
    entry = written(left)["projects"]["blog"]
    assert (entry["status"], entry["container_id"]) == ("retained", None)

    still = plan_of(written(left), manifest("shop"), manifest("new"))
    assert still.retained[0].database == kept.database
    assert still.notes[0].startswith("blog is retained;")

    back = plan_of(written(still), manifest("blog"), manifest("shop"), manifest("new"))
    assert back.project("blog").ports == Ports(3001, 3002)
    assert back.project("blog").cache is not None
    assert back.project("blog").cache.slot == Slot(0, 2)  # type: ignore[union-attr]
    assert back.retained == ()
    assert back.notes == ("blog is back and finds database blog_db and bucket blog-uploads.",)


def test_a_project_marked_for_destruction_goes_with_its_data() -> None:
    doomed = plan_of(None, manifest("blog", project={"lifecycle": "destroy"}), manifest("shop"))
    left = plan_of(written(doomed), manifest("shop"))
    assert left.retained == ()
    assert "deleted with it (lifecycle: destroy): database blog_db" in left.notes[0]
    assert list(written(left)["projects"]) == ["shop"]
    freed = plan_of(written(left), manifest("shop"), manifest("new"))
    assert freed.project("new").ports == Ports(3001, 3002)


def test_destruction_takes_effect_only_once_it_was_applied() -> None:
    before = plan_of(None, manifest("blog"))
    off = {"database": {"enabled": False}}
    marked = plan_of(written(before), manifest("blog", project={"lifecycle": "destroy"}, resources=off))
    assert marked.retained[0].database is not None
    assert marked.retained[0].lifecycle == "destroy"
    assert (
        plan_of(written(marked), manifest("blog", project={"lifecycle": "destroy"}, resources=off)).retained
        == ()
    )


def test_data_that_a_running_project_gives_up_is_kept() -> None:
    before = plan_of(None, manifest("blog"))
    thrifty = plan_of(written(before), manifest("blog", resources={"database": {"enabled": False}}))
    (kept,) = thrifty.retained
    assert (kept.id, kept.held, kept.buckets) == ("blog", None, ())
    assert kept.database == before.projects[0].database
    assert written(
        plan_of(written(thrifty), manifest("blog", resources={"database": {"enabled": False}}))
    ) == written(thrifty)
    again = plan_of(written(thrifty), manifest("blog"))
    assert again.project("blog").database == before.projects[0].database
    assert again.retained == ()


def test_a_project_without_data_leaves_nothing_behind() -> None:
    off = {"enabled": False}
    plain = manifest("blog", resources={"database": off, "cache": off, "storage": off})
    left = plan_of(written(plan_of(None, plain)))
    assert left.retained == ()
    assert left.notes == (
        "blog leaves: its app stops at the end of this run; it has no database and no buckets.",
    )


OWN = {"cache": {"dedicated": "64Mi", "eviction": "noeviction"}}


def test_a_project_moves_to_a_redis_of_its_own_and_back_and_loses_neither_while_it_may_go_back() -> None:
    shared = plan_of(None, manifest("blog"), manifest("shop"))
    moved = plan_of(written(shared), manifest("blog", resources=OWN), manifest("shop"), manifest("new"))
    cache = moved.project("blog").cache
    assert cache is not None
    assert (cache.redis.name, cache.port, cache.index, cache.dedicated) == ("redis-blog", 8001, 0, True)
    assert moved.project("new").cache.slot == Slot(0, 4)  # type: ignore[union-attr]
    assert "blog moves from redis-0 to redis-blog (64Mi, noeviction)" in moved.notes[-1]
    assert (
        plan_of(written(moved), manifest("blog", resources=OWN), manifest("shop"), manifest("new")).notes
        == ()
    )

    back = plan_of(written(moved), manifest("blog"), manifest("shop"), manifest("new"))
    assert back.project("blog").cache.slot == Slot(0, 2)  # type: ignore[union-attr]
    assert [redis.name for redis in back.data.redis] == ["redis-0", "redis-blog"], "a rollback finds it"

    document = written(back)
    answer = {**ANSWER, "caches": ["10.0.0.1:6379"]}
    document["projects"]["blog"] = registry.with_release(document["projects"]["blog"], answer)
    freed = plan_of(document, manifest("blog"), manifest("shop"), manifest("new"))
    assert [redis.name for redis in freed.data.redis] == ["redis-0"]
    assert freed.notes == ("redis-blog goes: no release of blog uses it. Its data stays on the disk.",)
    assert written(freed)["projects"]["blog"]["redis"] == {"db_index": 2, "instance": "redis-0"}


def test_a_redis_of_its_own_stays_with_a_retained_project_and_goes_with_one_that_is_destroyed() -> None:
    before = plan_of(None, manifest("blog", resources=OWN), manifest("shop", resources=OWN))
    left = plan_of(written(before), manifest("shop", resources=OWN))
    assert [redis.name for redis in left.data.redis] == ["redis-0", "redis-blog", "redis-shop"]
    assert written(left)["projects"]["blog"]["redis"] == written(before)["projects"]["blog"]["redis"]
    again = plan_of(written(left), manifest("blog", resources=OWN), manifest("shop", resources=OWN))
    assert again.data.redis == before.data.redis

    doomed = {"lifecycle": "destroy"}
    dying = plan_of(
        written(before), manifest("blog", resources=OWN, project=doomed), manifest("shop", resources=OWN)
    )
    leaving = plan_of(written(dying), manifest("shop", resources=OWN))
    assert "redis-blog" in [redis.name for redis in leaving.data.redis], (
        "its app stops at the end of this run"
    )
    gone = plan_of(written(leaving), manifest("new", resources=OWN))
    assert [(r.name, r.port) for r in gone.data.redis if r.owner] == [
        ("redis-new", 8001),
        ("redis-shop", 8002),
    ]


def test_connection_limits_that_are_more_than_there_is_are_told() -> None:
    def limits(*numbers: int) -> tuple[str, ...]:
        return plan_of(
            None,
            *(
                manifest(f"p{index:02}", resources={"database": {"connection_limit": limit}})
                for index, limit in enumerate(numbers)
            ),
        ).notes

    assert limits(300, 200) == ()
    (note,) = limits(300, 200, 2)
    assert "500 connections for all projects" in note
    assert "add up to 502 (most: p00 300, p01 200, p02 2)" in note


def test_a_role_may_have_the_connections_of_all_servers_that_run_its_project() -> None:
    more = [
        {
            **SERVER,
            "name": f"app{number}",
            "address": f"app{number}",
            "roles": ["app"],
            "privateAddress": f"10.0.0.{number}",
        }
        for number in (2, 3)
    ]
    settings = parse_settings({"domain": "lab.test", "servers": [SERVER, *more]})
    document = manifest("blog", servers={"replicas": "all"}, resources={"database": {"connection_limit": 30}})
    wanted = load_manifests([ManifestSource("blog.yaml", json.dumps(document))], settings)
    plan = make_plan(settings, wanted)
    (project,) = plan.projects
    assert project.database is not None
    assert (len(project.servers), project.database.connection_limit) == (3, 90)
    environment = project_environment(plan, project, ProjectCredentials("", "", "", "", ""))
    assert environment["DATABASE_POOL_SIZE"] == "12", "two containers on each server"


def test_more_than_fourteen_caches_bring_a_second_redis() -> None:
    plan = plan_of(None, *(manifest(f"p{i:02}") for i in range(16)))
    assert [(redis.name, redis.port) for redis in plan.data.redis] == [("redis-0", 6379), ("redis-1", 6380)]
    cache = plan.project("p15").cache
    assert cache is not None
    assert (cache.port, cache.slot) == (6380, Slot(1, 3))
