"""The program at Vultr, on the real CLI: from nothing to a fleet and back, and what no edit of a setting may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.outputs import VERSIONS
from lab.bench.fleets import APPS, DATA
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr.conftest import Make
from tests.vultr.told import at_vultr, said, steps

pytestmark = pytest.mark.cli


def test_a_fleet_comes_from_nothing_stays_as_it_is_and_goes_without_a_trace(
    make: Make, vultr: Simulator
) -> None:
    stack = make()
    first = stack.up()
    assert first.returncode == 0, said(first)
    assert "$92.50 a month" in said(first)
    outputs = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(outputs)
    assert outputs["versions"] == {name: VERSIONS[name] for name in outputs if name != "versions"}
    content = stack.content()
    assert {one["label"] for one in content["instances"].values()} == {
        "codeb-app-1",
        "codeb-app-2",
        "codeb-data-1",
    }
    assert steps(stack) == []
    calls = len(vultr.calls())
    assert "unchanged" in stack.up().stdout
    kept = [call for call in vultr.calls()[calls:] if call.method != "GET"]
    assert kept == []

    refused = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "protect" in said(refused)
    stack.change(protect=False)
    assert stack.up().returncode == 0
    gone = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, said(gone)
    left = {kind: things for kind, things in stack.content().items() if things and kind != "failures"}
    assert set(left) == {"domains"}


EDITS: dict[str, dict[str, Any]] = {
    "another plan": {"pools": [{**APPS, "plan": "vc2-4c-8gb"}, DATA]},
    "another operating system": {"pools": [{**APPS, "os": 2760}, DATA]},
    "more servers": {"pools": [{**APPS, "count": 3}, DATA]},
    "a larger disk": {"pools": [APPS, {**DATA, "dataDisk": "200Gi"}]},
    "roles": {"pools": [{**APPS, "roles": ["edge", "app"]}, DATA]},
    "people": {
        "sshKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt ann"]
    },
    "administrators": {"adminAddresses": ["203.0.113.0/24", "2001:db8::/48"]},
    "the domain": {"domain": "other.test", "dnsZone": ""},
    "no zone": {"dnsZone": ""},
    "no balancer": {"balancer": {"enabled": False}},
    "no protection": {"protect": False},
    "images": {"images": {"postgres": "docker.io/library/postgres:16.16-alpine"}},
    "standby": {"standbyMinutes": 5},
}
"""Every kind of setting; region and network are refused for servers that run."""
BOTH_ROLES = {**APPS, "count": 1, "roles": ["app", "edge", "data"]}


def without_disk(pool: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pool.items() if key != "dataDisk"}


@pytest.mark.slow
def test_no_edit_of_a_setting_replaces_a_server_or_a_disk(make: Make) -> None:
    stack = make()
    assert stack.up().returncode == 0
    before = dict(stack.settings)
    for what, settings in EDITS.items():
        stack.change(**settings)
        replaced = [
            step
            for step in at_vultr(steps(stack))
            if "replace" in step[0] or step[0] == "delete"
            if step[1].rpartition(":")[2] in ("Instance", "BlockStorage", "Vpc", "ReservedIp")
        ]
        assert replaced == [], what
        for key in settings:
            stack.settings.pop(key)
        stack.change(**before)
    for key, setting, words in (
        ("region", "nrt", "can't be changed for servers that run"),
        ("vpcSubnet", "10.65.0.0/20", "can't be changed for servers that run"),
        ("pools", [APPS, {**DATA, "dataDisk": "80Gi"}], "a disk grows and never shrinks"),
        ("pools", [APPS, {**DATA, "reservedIp": True}], "its address would change under it"),
        ("pools", [APPS, {**DATA, "plan": "vc2-2c-4gb"}], "Vultr makes no server smaller"),
        ("pools", [APPS, without_disk(DATA)], "put dataDisk: 100Gi back"),
        (
            "pools",
            [BOTH_ROLES, {**without_disk(DATA), "roles": ["app"]}],
            "data-1 holds the data of all projects",
        ),
        ("rootSecret", "another-root-secret-0123456789-abcdefghijkl-zz", "codeb:rootSecret is not the one"),
    ):
        stack.change(**{key: setting})
        refused = stack.pulumi("preview")
        assert refused.returncode != 0, key
        assert words in " ".join(said(refused).split()), key
        stack.settings.pop(key)
        stack.change(**before)


@pytest.mark.slow
def test_fewer_edges_need_no_shared_storage(make: Make) -> None:
    stack = make(tlsIssuer="acme", acmeEmail="a@fleet.test")
    assert stack.up().returncode == 0
    assert stack.content()["vfs"]
    stack.change(pools=[{**APPS, "count": 1}, DATA])
    fewer = stack.up()
    assert fewer.returncode == 0, said(fewer)
    assert not stack.content()["vfs"]
    assert stack.codeb("fleet", "check").returncode == 0


@pytest.mark.slow
def test_two_stacks_of_one_name_in_one_account_leave_each_other_alone(make: Make) -> None:
    one = make("one", account="shared", dnsZone="")
    two = make("two", account="shared", dnsZone="")
    assert one.up().returncode == 0
    assert two.up().returncode == 0
    assert len(one.content()["instances"]) == 6
    for stack in (one, two):
        assert stack.codeb("fleet", "check").returncode == 0
        assert steps(stack) == []
    mine = {item.get("id") for item in one.resources()}
    others = {identity for identity in one.content()["instances"] if identity not in mine}
    refused = one.codeb("fleet", "remove", sorted(others)[0], "--yes")
    assert refused.returncode != 0
    one.change(protect=False)
    assert one.up().returncode == 0
    assert one.pulumi("destroy", "--yes", "--skip-preview").returncode == 0
    assert set(two.content()["instances"]) == others
