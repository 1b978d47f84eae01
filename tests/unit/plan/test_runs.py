"""Run after run, some of which fail half-way: nothing that still serves is given to somebody else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from codeb import registry
from codeb.live import gather, settled
from codeb.model import ManifestSource, Settings, load_manifests, parse_settings
from codeb.plan import Plan, make_plan

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
SERVER = {"name": "one", "address": "10.77.0.2", "hostKey": KEY, "roles": ["app", "data", "edge"]}
SETTINGS: Settings = parse_settings({"domain": "lab.test", "servers": [SERVER]})
IDS = ["app-a", "app-b", "app-c", "app-d"]
AT = "2026-11-27T06:00:00Z"


@dataclass
class World:
    """What the servers really run (`serving`: the registry entry as it was released), and what the state remembers."""

    remembered: dict[str, Any] | None = None
    serving: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, wanted: dict[str, bool], sick: set[str], *, silent: bool) -> None:
        """One run with these projects (with a cache or without); the `sick` fail, and then nobody is removed."""
        previous = settled(self.remembered, self._live(silent=silent), ["one"])
        plan = make_plan(
            SETTINGS, load_manifests([_source(*one) for one in wanted.items()], SETTINGS), previous
        )
        planned = registry.carried(registry.planned_entries(plan), previous)
        self.remembered = _stored(registry.document(planned, plan.leaving))
        for key in wanted.keys() - sick:
            self.serving[key] = planned[key]
        if sick & wanted.keys():
            return
        self._end(plan, planned, previous)

    def _end(self, plan: Plan, planned: dict[str, Any], previous: Any) -> None:
        answers = {key: _answer(key) for key in planned if planned[key]["status"] != "retained"}
        released = {
            key: registry.with_release(entry, answers[key]) if key in answers else entry
            for key, entry in planned.items()
        }
        carried = registry.carried(released, previous)
        self.remembered = _stored(registry.document(carried, plan.leaving))
        self.serving = {key: entry for key, entry in self.serving.items() if key in answers}

    def _live(self, *, silent: bool) -> Any:
        projects = [{"project": key} for key in self.serving]
        answer = {"host": {"time": AT}, "projects": projects}
        return gather({} if silent else {"one": answer}, {"one": "down"} if silent else {})

    def assert_nothing_is_shared(self) -> None:
        for what in ("ports", "redis"):
            held = [json.dumps(entry[what]) for entry in self.serving.values() if entry[what]]
            assert len(set(held)) == len(held), f"two projects that serve share {what}"


def _source(key: str, cached: bool) -> ManifestSource:
    manifest = {
        "project": {"id": key, "lifecycle": "destroy"},
        "environment": {"domain": f"{key}.lab.test", "image": "registry.lab.test:5000/x:1"},
        "resources": {
            "database": {"enabled": False},
            "storage": {"enabled": False},
            "cache": {"enabled": cached},
        },
    }
    return ManifestSource(f"{key}.yaml", json.dumps(manifest))


def _answer(key: str) -> dict[str, Any]:
    return {"project": key, "health": {"status": "healthy", "last_check": AT}, "release": {"id": "r1"}}


def _stored(document: dict[str, Any]) -> dict[str, Any]:
    """As the state gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    return found


RUNS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(IDS), st.booleans()), st.sets(st.sampled_from(IDS)), st.booleans()
    ),
    max_size=7,
)


@given(RUNS)
@settings(deadline=None)
def test_two_projects_that_serve_never_share_ports_or_a_cache(
    runs: list[tuple[dict[str, bool], set[str], bool]],
) -> None:
    world = World()
    for wanted, sick, silent in runs:
        world.run(wanted, sick, silent=silent)
        world.assert_nothing_is_shared()


def test_an_index_stays_with_a_project_that_fails_to_give_it_up() -> None:
    world = World()
    for wanted in ({"app-a": True}, {"app-a": False}, {"app-a": False, "app-b": True}):
        world.run(wanted, {"app-a"} if len(world.serving) else set(), silent=False)
        world.assert_nothing_is_shared()
    index = world.serving["app-a"]["redis"]
    world.run({"app-a": True, "app-b": True}, set(), silent=False)
    assert world.serving["app-a"]["redis"] == index, "it finds its cache again"


def test_who_has_left_is_forgotten_once_its_server_says_so() -> None:
    world = World()
    both = {"app-a": True, "app-b": True}
    world.run(both, set(), silent=False)
    first = world.serving["app-a"]
    world.run({"app-b": True}, {"app-b"}, silent=False)
    assert "app-a" in world.serving, "a run that fails removes nobody"
    world.run({"app-b": True, "app-c": True}, set(), silent=False)
    assert world.serving["app-c"]["redis"] != first["redis"]
    assert world.remembered is not None
    assert list(world.remembered["leaving"]) == ["app-a"]
    world.run({"app-b": True, "app-c": True}, set(), silent=True)
    assert "leaving" in world.remembered, "nobody has said that it is gone"
    world.run({"app-b": True, "app-c": True}, set(), silent=False)
    assert "leaving" not in world.remembered
    world.run({"app-b": True, "app-c": True, "app-d": True}, set(), silent=False)
    assert (world.serving["app-d"]["ports"], world.serving["app-d"]["redis"]) == (
        first["ports"],
        first["redis"],
    )
