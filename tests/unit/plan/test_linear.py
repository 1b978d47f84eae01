"""What many projects cost the plan and its rendering: so many times as many cost so many times as much, counted in lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from codeb import registry
from codeb.model import ManifestSource, Settings, load_manifests, parse_settings
from codeb.plan import Plan, make_plan, merged
from codeb.plan.routes import routed
from codeb.render import host_bundle, release_document, route_document

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
POOLS = 3
FEW, MANY = 60, 240
AT_MOST = 1.1
"""How much more than so many times as much: sorting, and texts that get longer."""


def settings_of(pools: int = POOLS) -> Settings:
    roles = [["app", "data", "edge", "monitoring"], *(["app", "edge"] for _ in range(pools - 1))]
    servers = [
        {
            "name": f"server{number}",
            "address": f"10.77.0.{number + 1}",
            "hostKey": KEY,
            "roles": roles[number],
            "pool": f"pool{number}",
        }
        for number in range(pools)
    ]
    return parse_settings({"domain": "bench.test", "tlsIssuer": "internal", "servers": servers})


def manifest(number: int, domain: int) -> dict[str, Any]:
    """One with something of everything that several projects might want at once."""
    name = f"app-{number:04}"
    return {
        "project": {"id": name},
        "environment": {
            "domain": f"app{domain}.bench.test",
            "image": "registry.bench.test/app:1",
            "aliases": [f"www{domain}.bench.test", f"*.app{domain}.bench.test"],
        },
        "servers": {"pool": f"pool{number % POOLS}"},
        "resources": {
            "cache": {"dedicated": "64Mi"} if number % 2 else {},
            "storage": {"buckets": [{"suffix": "uploads"}, {"suffix": "public", "access": "public-read"}]},
        },
        "features": {
            "metrics": True,
            "cron": [{"name": "nightly", "schedule": "daily", "command": ["true"]}],
            "workers": [{"name": "mail", "command": ["work"], "exclusive": True}],
        },
        "backup": {"point_in_time": number % 2 == 0},
    }


def sources(size: int, shift: int = 0) -> list[ManifestSource]:
    """`shift`: every project has the names that the next but so many had."""
    documents = [manifest(number, (number + shift) % (size + 1)) for number in range(size)]
    return [ManifestSource(f"{each['project']['id']}.yaml", json.dumps(each)) for each in documents]


def before(plan: Plan) -> Any:
    """The registry once everything of the plan runs, as the state gives it back."""
    health = {"status": "healthy", "last_check": "2026-01-01T00:00:00Z"}
    entries = {
        key: registry.with_release(entry, {"project": key, "health": health})
        for key, entry in registry.planned_entries(plan).items()
    }
    return json.loads(json.dumps(registry.document(entries)), parse_int=float)


def lines_of(run: Callable[[], object]) -> int:
    """How many lines of the package `codeb` are executed, every turn of a loop counted."""
    count = 0

    def inside(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return inside

    def entered(frame: FrameType, event: str, argument: object) -> Any:
        return inside if "/codeb/" in frame.f_code.co_filename else None

    trace = sys.gettrace()
    sys.settrace(entered)
    try:
        run()
    finally:
        sys.settrace(trace)
    return count


def load(size: int) -> Callable[[], object]:
    return lambda: load_manifests(sources(size), settings_of())


def first_plan(size: int) -> Callable[[], object]:
    settings, manifests = settings_of(), load_manifests(sources(size), settings_of())
    return lambda: make_plan(settings, manifests)


def same_plan(size: int) -> Callable[[], object]:
    settings, manifests = settings_of(), load_manifests(sources(size), settings_of())
    previous = before(make_plan(settings, manifests))

    def run() -> None:
        wanted = merged(manifests, settings, previous)
        make_plan(settings, wanted.manifests, previous, wanted.kept)

    return run


def names_that_all_change_hands(size: int) -> Callable[[], object]:
    settings = settings_of()
    previous = before(make_plan(settings, load_manifests(sources(size), settings)))
    after = load_manifests(sources(size, shift=1), settings)

    def run() -> None:
        plan = make_plan(settings, after, previous)
        assert sum(project.after is not None for project in plan.projects) == size - 1
        assert sum(bool(project.ceded) for project in plan.projects) == size - 1

    return run


def everybody_left(size: int) -> Callable[[], object]:
    settings = settings_of()
    previous = before(make_plan(settings, load_manifests(sources(size), settings)))
    return lambda: make_plan(settings, (), previous)


def rendered(size: int) -> Callable[[], object]:
    plan = make_plan(settings_of(), load_manifests(sources(size), settings_of()))

    def run() -> None:
        for server in plan.servers:
            host_bundle(plan, server)
        for project in (plan.project(each.id) for each in plan.projects):
            for name in project.servers:
                release_document(plan, project, plan.server(name))
            for edge in routed(plan, project):
                route_document(plan, project, edge)

    return run


def remembered(size: int) -> Callable[[], object]:
    plan = make_plan(settings_of(), load_manifests(sources(size), settings_of()))
    previous = before(plan)

    def run() -> None:
        entries = registry.carried(registry.planned_entries(plan), previous)
        registry.document(registry.with_backups(entries, previous))

    return run


@pytest.mark.parametrize(
    "task", [load, first_plan, same_plan, names_that_all_change_hands, everybody_left, rendered, remembered]
)
def test_four_times_as_many_projects_cost_four_times_as_much(
    task: Callable[[int], Callable[[], object]],
) -> None:
    few, many = (lines_of(task(size)) for size in (FEW, MANY))
    assert many > FEW, "nothing was counted"
    assert many / few < MANY / FEW * AT_MOST
