"""Several stacks' outputs in one: what goes together, what doesn't, and whose what is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb import registry
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.outputs.registry import Registry
from codeb.plan import make_plan
from codeb.registry.joined import JoinError, joined
from ops.joined import registry as command
from ops.pulumi import PulumiError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
HEALTH = {"status": "healthy", "last_check": "2026-01-01T00:00:00Z"}


def outputs(address: str, *ids: str, previous: Any = None, **aliases: list[str]) -> dict[str, Any]:
    """What a stack of one server says once all of its projects run (id or id=domain)."""
    server = {"name": "one", "address": address, "hostKey": KEY, "roles": ["app", "data", "edge"]}
    wanted = parse_settings({"domain": "lab.test", "tlsIssuer": "internal", "servers": [server]})
    documents = []
    for key, _, domain in (each.partition("=") for each in ids):
        names = {"domain": domain or f"{key}.example.com", "aliases": aliases.get(key, [])}
        documents.append({"project": {"id": key}, "environment": {**names, "image": "ghcr.io/x/y:1"}})
    sources = [ManifestSource(f"{each['project']['id']}.yaml", json.dumps(each)) for each in documents]
    plan = make_plan(wanted, load_manifests(sources, wanted), previous)
    entries = {
        key: entry
        if entry["status"] == "retained"
        else registry.with_release(entry, {"project": key, "health": HEALTH})
        for key, entry in registry.planned_entries(plan).items()
    }
    document = json.loads(json.dumps(registry.document(entries, plan.leaving, plan.kept)))
    addresses = {each.id: {"url": f"https://{each.domain}", "health": "healthy"} for each in plan.projects}
    servers = {"one": {"address": address, "roles": ["app"]}}
    return {"versions": {"registry": 1}, "registry": document, "projects": addresses, "servers": servers}


EU, US = outputs("192.0.2.1", "shop", "blog"), outputs("192.0.2.2", "wiki")


def problems(**stacks: Mapping[str, Any]) -> list[str]:
    with pytest.raises(JoinError) as caught:
        joined(stacks)
    return [str(each) for each in caught.value.problems]


def test_each_project_is_there_once_with_its_stack() -> None:
    found = joined({"eu": EU, "us": US})
    assert {key: entry["stack"] for key, entry in found.registry["projects"].items()} == {
        "blog": "eu",
        "shop": "eu",
        "wiki": "us",
    }
    assert found.projects["wiki"] == {"url": "https://wiki.example.com", "health": "healthy", "stack": "us"}
    assert set(found.servers) == {"eu", "us"}
    assert found.notes == ()


def test_the_document_has_the_shape_of_one_stack_s_registry() -> None:
    found = joined({"eu": EU, "us": US}).registry
    known = Registry.model_validate({**found, "projects": {
        key: {name: value for name, value in entry.items() if name != "stack"}
        for key, entry in found["projects"].items()
    }})  # fmt: skip
    assert set(known.projects) == {"blog", "shop", "wiki"}


def test_a_stack_alone_is_what_it_says_itself() -> None:
    found = joined({"eu": EU}).registry["projects"]
    assert {key: {k: v for k, v in each.items() if k != "stack"} for key, each in found.items()} == EU[
        "registry"
    ]["projects"]


def test_a_project_of_two_stacks_is_an_error_that_names_both() -> None:
    (said,) = problems(eu=EU, us=outputs("192.0.2.2", "shop=other.example.com"))
    assert said.startswith("shop: project.id: stacks eu and us both have a manifest of this id\n")


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (outputs("192.0.2.2", "wiki=shop.example.com"), "shop.example.com"),
        (outputs("192.0.2.2", "wiki", wiki=["shop.example.com"]), "shop.example.com"),
        (outputs("192.0.2.2", "wiki", wiki=["*.example.com"]), "*.example.com"),
    ],
    ids=["domain", "alias", "wildcard"],
)
def test_a_host_name_of_two_stacks_is_an_error_that_names_both(other: dict[str, Any], name: str) -> None:
    said = problems(eu=outputs("192.0.2.1", "shop"), us=other)[0]
    assert said.startswith(f"host name {name}: stack us has it for wiki, and stack eu has ")
    assert "for shop" in said


def test_a_name_that_is_only_served_still_is_taken_too() -> None:
    moved = json.loads(json.dumps(EU))
    moved["registry"]["projects"]["shop"]["serves"]["names"].append("wiki.example.com")
    assert (
        "host name wiki.example.com: stack us has it for wiki, and stack eu" in problems(eu=moved, us=US)[0]
    )


def test_a_server_of_two_stacks_is_an_error_that_names_both() -> None:
    (said,) = problems(eu=EU, us=outputs("192.0.2.1", "wiki"))
    assert said.startswith("server 192.0.2.1: stack eu has it as one, and stack us as one")


def test_a_project_that_moved_is_the_one_s_that_runs_it() -> None:
    left = outputs("192.0.2.1", "blog", previous=EU["registry"])
    assert left["registry"]["projects"]["shop"]["status"] == "retained"
    for stacks in (
        {"eu": left, "us": outputs("192.0.2.2", "shop")},
        {"us": outputs("192.0.2.2", "shop"), "eu": left},
    ):
        found = joined(stacks)
        assert found.registry["projects"]["shop"]["stack"] == "us"
        assert found.registry["projects"]["shop"]["status"] == "running"
        assert found.notes == ("shop is stack us's; data of it is kept in stack eu, too.",)


def test_a_stack_that_says_nothing_or_more_than_is_known_is_named() -> None:
    newer = {**US, "versions": {"registry": 2}}
    assert "stack eu: output registry: there is none" in problems(eu={}, us=US)[0]
    assert "stack us: output registry: version 2 is not one" in problems(eu=EU, us=newer)[0]
    assert "an entry is no mapping" in problems(eu={"registry": {"projects": {"x": 1}}})[0]


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["eu", "us", "as"])))
def test_joining_is_the_same_in_any_order(where: dict[str, str]) -> None:
    stacks = {
        name: outputs(f"192.0.2.{number}", *(f"app-{key}" for key, at in where.items() if at == name))
        for number, name in enumerate(("eu", "us", "as"))
    }
    forth, back = joined(stacks), joined(dict(reversed(stacks.items())))
    assert (forth.registry, forth.projects) == (back.registry, back.projects)
    assert list(forth.registry["projects"]) == sorted(f"app-{key}" for key in where)


def test_the_command_prints_a_table_or_one_document() -> None:
    found = command(["eu", "us"], {"eu": EU, "us": US}.__getitem__)
    assert found.ok
    assert found.lines[0].split() == ["project", "stack", "status", "domain", "servers"]
    assert found.lines[1].split() == ["blog", "eu", "running", "blog.example.com", "one"]
    assert list(found.document["registry"]["projects"]) == ["blog", "shop", "wiki"]  # type: ignore[index]


def test_the_command_says_what_stands_in_the_way() -> None:
    same = command(["eu", "us"], {"eu": EU, "us": EU}.__getitem__)
    assert not same.ok
    assert len(same.document["problems"]) == 3  # type: ignore[arg-type]
    assert same.problems[0].startswith("error: blog: project.id: stacks eu and us both")
    assert same.problems[1].startswith("  Remove one of the manifests")
    assert command(["eu", "eu"], {"eu": EU}.__getitem__).problems == ("error: --stack eu is there twice",)

    def refuse(stack: str) -> Mapping[str, Any]:
        raise PulumiError(f"no stack named '{stack}' found")

    assert command(["eu"], refuse).problems == ("error: no stack named 'eu' found",)


def test_what_a_stack_says_reaches_the_terminal_without_control_characters() -> None:
    evil = json.loads(json.dumps(US))
    evil["registry"]["projects"]["wiki"]["domain"] = "\x1b[2Jwiki"
    lines = command(["us"], {"us": evil}.__getitem__).lines
    assert not [line for line in lines if "\x1b" in line]
