"""Workers: how many of their processes run where, and that an exclusive one is never planned for two servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb import registry
from codeb.live import Live, gather, servers_to_ask, settled
from codeb.model import Manifest, ManifestErrors, ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.plan.workers import memory_of, worker_plans
from codeb.render import release_document

NAMES = ("app1", "app2", "app3")


def manifest(*workers: Mapping[str, Any], replicas: int = 1, project: str = "shop") -> Manifest:
    document = {
        "project": {"id": project},
        "environment": {"domain": f"{project}.lab.test", "image": "ghcr.io/x/shop:1"},
        "servers": {"replicas": replicas},
        "features": {"workers": [{"command": ["node", "w.js"], **worker} for worker in workers]},
    }
    return load_manifests([ManifestSource("shop.yaml", json.dumps(document))])[project]


def plan(wanted: Manifest, servers: tuple[str, ...], previous: object = None) -> Plan:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
    machines = [
        {
            "name": name,
            "address": f"10.77.0.{number + 2}",
            "roles": ["app", *(["data", "edge"] if number == 0 else [])],
            "hostKey": key,
        }
        for number, name in enumerate(servers)
    ]
    document = {
        "domain": "lab.test",
        "servers": machines,
        "sshPrivateKeyFile": "key",
        "tlsIssuer": "internal",
    }
    return make_plan(parse_settings(document), [wanted], previous)


def where(found: Plan) -> dict[str, dict[str, int]]:
    return {each.worker.name: dict(each.servers) for each in found.project("shop").workers}


def after(found: Plan) -> dict[str, Any]:
    """The registry that the next run reads, as a stack's output gives it back."""
    document: dict[str, Any] = json.loads(json.dumps(registry.document(registry.planned_entries(found))))
    return document


@settings(deadline=None)
@given(replicas=st.integers(1, 32), servers=st.integers(1, 3))
def test_replicas_count_in_all_and_are_spread(replicas: int, servers: int) -> None:
    wanted = manifest({"name": "mail", "replicas": replicas}, replicas=servers)
    (found,) = worker_plans(wanted, NAMES[:servers], None)
    counts = [found.on(name) for name in NAMES[:servers]]
    assert sum(counts) == replicas
    assert sorted(counts, reverse=True) == counts
    assert counts[0] - counts[-1] <= 1


def test_an_exclusive_worker_is_on_one_server_and_stays_there() -> None:
    lone = {"name": "lone", "exclusive": True}
    first = plan(manifest(lone, replicas=2), NAMES[:2])
    assert where(first) == {"lone": {"app2": 1}}
    more = plan(manifest(lone, replicas=3), NAMES, after(first))
    assert where(more) == {"lone": {"app2": 1}}
    documents = [
        release_document(more, more.project("shop"), server).get("workers", []) for server in more.servers
    ]
    assert [len(each) for each in documents] == [0, 1, 0]


def said(**projects: list[str]) -> Live:
    """What servers answer, each with the projects that it has."""
    answers = {
        server: {"host": {"time": "now"}, "projects": [{"project": each} for each in found]}
        for server, found in projects.items()
    }
    return gather(answers, {})


@pytest.mark.parametrize(
    ("live", "waits"),
    [
        (said(app1=["shop"], app2=[]), False),
        (said(app1=["shop"], app2=["shop"]), True),  # the update failed before it came to the end
        (said(app1=["shop"]), True),  # app2 is cut off: what it runs, nobody knows
    ],
)
def test_when_its_server_goes_an_exclusive_worker_waits_until_that_says_that_it_is_gone(
    live: Live, waits: bool
) -> None:
    lone = {"name": "lone", "exclusive": True}
    first = plan(manifest(lone, replicas=2), NAMES[:2])
    second = plan(manifest(lone), NAMES[:1], after(first))
    assert where(second) == {"lone": {}}
    assert any("ran on app2, which stops it at the end of this update" in note for note in second.notes)
    assert servers_to_ask(_running(after(second))) == ["app1", "app2"]
    third = plan(manifest(lone), NAMES[:1], settled(after(second), live, NAMES[:2]))
    assert where(third) == {"lone": {} if waits else {"app1": 1}}
    assert bool([note for note in third.notes if "lone" in note]) == waits
    fourth = plan(manifest(lone), NAMES[:1], settled(after(third), said(app1=["shop"], app2=[]), NAMES[:2]))
    assert where(fourth) == {"lone": {"app1": 1}}
    back = plan(manifest(lone, replicas=2), NAMES[:2], settled(after(second), live, NAMES[:2]))
    assert where(back) == {"lone": {"app2": 1}}


def _running(previous: Any) -> Any:
    projects = {key: {**entry, "status": "running"} for key, entry in previous["projects"].items()}
    return {**previous, "projects": projects}


def test_a_server_that_left_the_stack_is_not_waited_for_twice() -> None:
    lone = {"name": "lone", "exclusive": True}
    first = plan(manifest(lone, replicas=2), NAMES[:2])
    second = plan(manifest(lone), NAMES[:1], after(first))
    assert where(second) == {"lone": {}}
    third = plan(manifest(lone), NAMES[:1], settled(after(second), said(app1=["shop"]), NAMES[:1]))
    assert where(third) == {"lone": {"app1": 1}}


def test_registries_of_before_workers_are_read_and_projects_without_any_have_the_document_of_before() -> None:
    found = plan(manifest(), NAMES[:1])
    previous = after(found)
    for entry in previous["projects"].values():
        assert entry.pop("workers") == []
    assert where(plan(manifest(), NAMES[:1], previous)) == {}
    assert "workers" not in release_document(found, found.project("shop"))


def test_memory_of_workers_counts_when_a_server_is_chosen() -> None:
    mib = 1 << 20
    workers = ({"name": "mail", "replicas": 3}, {"name": "small", "memory": "64Mi"})
    assert memory_of(manifest(*workers)) == (512 + 3 * 512 + 64) * mib
    assert memory_of(manifest(*workers, replicas=2)) == (512 + 2 * 512 + 64) * mib


def test_two_projects_can_t_lead_to_the_same_unit() -> None:
    texts = [
        ("shop", "x-green-w-mail"),
        ("shop-blue-w-x", "mail"),
    ]
    sources = []
    for project, worker in texts:
        wanted = manifest({"name": worker}, project=project)
        sources.append(
            ManifestSource(
                f"{project}.yaml", json.dumps(wanted.model_dump(mode="json", exclude_defaults=True))
            )
        )
    with pytest.raises(ManifestErrors, match="codeb-shop-blue-w-x-green-w-mail@"):
        load_manifests(sources)
