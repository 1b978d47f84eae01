"""Reading a state and changing it: what is gone leaves no word behind, what is adopted lacks nothing that is not read."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from codeb.fleet import Thing, edits, mark_of, owner_in, read_state
from codeb.fleet.adoption import Pair, creations, import_file, pair, provider_of
from codeb.fleet.kinds import BALANCER, DISK, RECORD, RULE, SERVER
from codeb.secrets import RootSecret
from tests.cases.fleet import case as cases

INSTANCE = "urn:pulumi:prod::codeb::codeb:fleet:Fleet$vultr:index/instance:Instance::app-1-instance"
BUNDLE = "urn:pulumi:prod::codeb::codeb:server:Server$command:remote:Command::app-1-bundle"
DATABASE = "urn:pulumi:prod::codeb::postgresql:index/database:Database::shop"
PROVIDER = "urn:pulumi:prod::codeb::codeb:fleet:Fleet$pulumi:providers:vultr::codeb-vultr"


def document() -> dict[str, Any]:
    """A server, what was done on it, and what is deleted with that."""
    vultr = {"type": SERVER.type, "custom": True}
    return {
        "version": 3,
        "deployment": {
            "resources": [
                {"urn": INSTANCE, "id": "old", "delete": True, **vultr},
                {"urn": INSTANCE, "id": "new", **vultr},
                {
                    "urn": BUNDLE, "id": "b", "type": "command:remote:Command", "deletedWith": INSTANCE,
                    "dependencies": [INSTANCE],
                },
                {
                    "urn": DATABASE, "id": "d", "type": "postgresql:index/database:Database", "deletedWith": BUNDLE,
                    "dependencies": [BUNDLE, INSTANCE], "propertyDependencies": {"name": [INSTANCE], "owner": None},
                },
            ]
        },
    }  # fmt: skip


def urns(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["urn"], each["id"]) for each in found["deployment"]["resources"]]


def test_a_server_that_is_gone_takes_along_what_was_done_on_it_but_no_data() -> None:
    before = document()
    kept = copy.deepcopy(before)
    state = read_state(before)
    entries = edits.lost_with(state, before, [state.by_key()[SERVER, "new"]])
    after = edits.without(before, entries | {(INSTANCE, "old")})
    assert urns(after) == [(DATABASE, "d")]
    left = after["deployment"]["resources"][0]
    assert left == {
        "urn": DATABASE, "id": "d", "type": "postgresql:index/database:Database", "dependencies": [],
        "propertyDependencies": {"name": [], "owner": []},
    }  # fmt: skip
    assert before == kept, "the document itself is not touched"


def test_what_was_replaced_goes_without_what_took_its_place() -> None:
    before = document()
    state = read_state(before)
    (old,) = [each for each in state.resources if each.doomed]
    after = edits.without(before, edits.lost_with(state, before, [old]))
    assert urns(after) == [(INSTANCE, "new"), (BUNDLE, "b"), (DATABASE, "d")]
    assert after["deployment"]["resources"][1]["dependencies"] == [INSTANCE]


def test_a_group_takes_its_rules_along() -> None:
    stack = cases.healthy()
    exported = cases.document(stack)
    state = read_state(exported)
    (group,) = [each for each in state.resources if each.id == "fw-1"]
    after = read_state(edits.without(exported, edits.lost_with(state, exported, [group])))
    assert not after.of(RULE)
    assert len(after.resources) == len(state.resources) - 3


def test_the_mark_is_in_the_outputs_or_on_the_resources() -> None:
    stack = cases.healthy()
    assert (
        owner_in(read_state(cases.document(stack, {"fleet": {"owner": "codeb-prod-ffffff"}})))
        == "codeb-prod-ffffff"
    )
    assert owner_in(cases.state(stack)) == stack["owner"]
    assert owner_in(read_state(cases.document(stack, {"fleet": {"owner": "x; y"}}))) == stack["owner"]
    stack["state"] = {"SSH key": stack["state"]["SSH key"]}
    assert owner_in(cases.state(stack)) is None
    assert owner_in(read_state({})) is None


STATES: list[Any] = [
    {},
    {"deployment": None},
    {"deployment": {"resources": [None, {"type": 7}, {"type": SERVER.type}]}},
]


def test_a_state_of_any_shape_is_read() -> None:
    for each in STATES:
        assert read_state(each).resources == ()


def preview(*states: dict[str, Any]) -> dict[str, Any]:
    return {
        "steps": [{"op": "create", "newState": each} for each in states] + [{"op": "same", "newState": None}]
    }


def wanted(type_: str, resource: str, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::codeb::codeb:fleet:Fleet${type_}::{resource}"
    return {
        "urn": urn,
        "type": type_,
        "parent": "urn:parent",
        "provider": f"{PROVIDER}::0f-0f",
        "inputs": inputs,
    }


@pytest.mark.parametrize(
    "label", [edits.UNKNOWN, "codeb-prod-1a2b3c-app-1", "codeb-prod-1a2b3c-app-1.0badcafe"]
)
@pytest.mark.parametrize("end", ["", ".1a2b3c4d"])
def test_a_disk_is_adopted_whatever_machine_its_label_names(label: str, end: str) -> None:
    """Also when its server is to be made or taken over with it, and its label is not known therefore."""
    found = creations(preview(wanted(DISK.type, "app-1-disk-storage", label=label)))
    mine = Thing(DISK, "d", {"label": f"codeb-prod-1a2b3c-app-1{end}"})
    other = Thing(DISK, "o", {"label": f"codeb-prod-1a2b3c-my-app-1{end}"})
    pairs, needless = pair([other, mine], found, "codeb-prod-1a2b3c")
    assert ([each.thing for each in pairs], needless) == ([mine], [other])


def test_what_is_adopted_has_name_parent_and_provider_of_the_program() -> None:
    found = creations(
        preview(
            wanted(RECORD.type, "apex", domain="example.com", name="", type="A", data=edits.UNKNOWN),
            wanted(RECORD.type, "apex-6", domain="example.com", name="", type="AAAA", data=edits.UNKNOWN),
            wanted(BALANCER.type, "balancer", label="codeb-prod-1a2b3c"),
        )
    )
    record = Thing(RECORD, "r", {"name": "", "type": "AAAA"}, "example.com")
    balancer = Thing(BALANCER, "b", {"label": "codeb-prod-1a2b3c"})
    needless = Thing(SERVER, "s", {"label": "codeb-app-9"})
    pairs, rest = pair([record, balancer, needless], found, "codeb-prod-1a2b3c")
    assert rest == [needless]
    assert pair([balancer, balancer], found, "codeb-prod-1a2b3c")[1] == [balancer], (
        "one creation makes room for one"
    )
    assert provider_of(pairs[0].wanted) == PROVIDER
    document = import_file(pairs)
    names = document["nameTable"]
    assert [(each["name"], each["id"]) for each in document["resources"]] == [
        ("apex-6", "example.com,r"),
        ("balancer", "b"),
    ]
    assert {(names[each["parent"]], names[each["provider"]]) for each in document["resources"]} == {
        ("urn:parent", PROVIDER)
    }


def test_what_the_plugin_does_not_read_is_the_program_s() -> None:
    (known,) = creations(
        preview(
            wanted(
                SERVER.type, "app-1", label="codeb-app-1", plan="big", userData="[secret]", sshKeyIds=[edits.UNKNOWN],
                vpcIds=["vpc-1", edits.UNKNOWN], __defaults=["x"],
            )
        )
    )  # fmt: skip
    thing = Thing(SERVER, "s", {"label": "codeb-app-1", "vpcs": [{"id": "vpc-1"}]})
    imported = {
        "urn": known.urn,
        "id": "s",
        "inputs": {"plan": "small"},
        "outputs": {"plan": "small", "__pulumi_raw_state_delta": 1},
    }
    found = edits.completed({"deployment": {"resources": [imported]}}, [Pair(thing, known)])
    (resource,) = found["deployment"]["resources"]
    expected = {"plan": "small", "label": "codeb-app-1", "vpcIds": ["vpc-1"]}
    assert (resource["inputs"], resource["outputs"]) == (expected, expected), (
        "a plan that differs stays to be seen"
    )


def test_two_stacks_of_one_name_have_two_marks() -> None:
    one, other = (RootSecret(text * 4) for text in ("0123456789abcdef", "fedcba9876543210"))
    marks = {mark_of("prod", one), mark_of("prod", other), mark_of("dev", one)}
    assert len(marks) == 3
    assert all(re.fullmatch(r"codeb-(prod|dev)-[0-9a-f]{6}", mark) for mark in marks)
    assert mark_of("prod", one) == mark_of("prod", one)
