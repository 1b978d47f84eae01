"""A server that comes or goes is none of the others' business: what they have stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from codeb import registry
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.plan.doors import known, sources
from codeb.render import host_bundle, release_document, route_document

MANIFEST = "project: {id: %s}\nenvironment: {domain: %s.fleet.test, image: 'registry.test/app:1'}\n"
OLD = {
    "name": "old-1",
    "address": "192.0.2.7",
    "privateAddress": "192.168.9.7",
    "roles": ["app"],
    "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T",
}


def plan(count: int, data: list[str] | None = None, before: Plan | None = None, **more: Any) -> Plan:
    pools = [
        {"name": "default", "roles": ["app", "edge"], "count": count, "plan": "vc2-2c-4gb"},
        {"name": "data", "roles": data or ["data"], "plan": "vc2-4c-8gb"},
    ]
    settings = parse_settings({"domain": "fleet.test", "provider": "vultr", "pools": pools, **more}, "test")
    sources = [ManifestSource(f"{name}.yaml", MANIFEST % (name, name)) for name in ("shop", "blog", "wiki")]
    held = (
        registry.document(registry.planned_entries(before), before.leaving, before.kept) if before else None
    )
    return make_plan(settings, load_manifests(sources, settings), held)


def bundle(found: Plan, server: str) -> dict[str, Any]:
    return host_bundle(found, found.server(server))


@pytest.mark.parametrize("watched", [False, True])
def test_what_stays_is_as_it_was(watched: bool) -> None:
    two = plan(2, ["data", "monitoring"] if watched else None)
    four = plan(4, ["data", "monitoring"] if watched else None)
    for server in ("app-1", "app-2"):
        assert bundle(two, server) == bundle(four, server)
    before, after = ({file["path"]: file for file in bundle(each, "data-1")["files"]} for each in (two, four))
    changed = {path for path in before if before[path] != after[path]}
    assert all("prometheus" in path for path in changed), "who watches has to know of whom"
    assert bool(changed) is watched


def test_nothing_that_serves_is_written_anew_where_nothing_moves() -> None:
    two = plan(2)
    four = plan(4, before=two)
    for project in two.projects:
        later = four.project(project.id)
        assert later.servers == project.servers, "a server that comes moves nobody"
        for name in ("app-1", "app-2"):
            if name in project.servers:
                documents = [
                    release_document(each, each.project(project.id), each.server(name), {})
                    for each in (two, four)
                ]
            else:
                documents = [
                    route_document(each, each.project(project.id), each.server(name)) for each in (two, four)
                ]
            assert documents[0] == documents[1]


def test_servers_that_exist_are_let_in_by_address() -> None:
    found = plan(2, servers=[OLD])
    assert sources(found, found.servers) == ("10.64.0.0/20", "192.168.9.7")
    assert sources(found, [found.server("old-1")]) == ("192.168.9.7",)
    assert known(found, found.server("app-1")) == ("192.168.9.7", "@{private:app-1}")
    within = plan(2, servers=[{**OLD, "privateAddress": "10.64.0.9"}])
    assert sources(within, within.servers) == ("10.64.0.0/20",), "nft takes no interval within another"


def test_containers_are_kept_from_what_is_open_to_servers_alone() -> None:
    """They leave with their server's address: a visitor's name that one of them made up would be believed."""
    found = plan(2)
    for server in found.servers:
        files = {file["path"]: file["content"] for file in bundle(found, server.name)["files"]}
        rule = 'iifname "podman*" ip daddr { 10.64.0.0/20 } tcp dport { 80, 443, 8100, 9001 } drop'
        assert rule in files["/etc/nftables.conf"]
        forward = files["/etc/nftables.conf"].partition("chain forward")[2]
        assert forward.index(rule) < forward.index('iifname "podman*" oifname != "podman*" accept')
