"""The program at Vultr, on the real CLI: from nothing to a fleet and back, and what no edit of a setting may do."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from codeb.outputs import VERSIONS
from lab.bench.by_hand import call
from lab.bench.fleets import APPS, DATA, SINGLE, FleetStack
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr.conftest import Make

pytestmark = pytest.mark.cli


def steps(stack: FleetStack) -> list[tuple[str, str, str]]:
    """What an update would do: operation, type, name; what stays the same is left out."""
    done = stack.pulumi("preview", "--json", PULUMI_SKIP_CHECKPOINTS="true")
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for step in json.loads(done.stdout)["steps"]:
        type_, name = step["urn"].split("::")[2:4]
        if step["op"] not in ("same", "read"):
            found.append((step["op"], type_.rpartition("$")[2], name))
    return found


def at_vultr(found: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [step for step in found if step[1].startswith("vultr:")]


def addresses(stack: FleetStack) -> list[str]:
    """The servers' public ones, as the state has them."""
    servers = [item for item in stack.resources() if item["type"] == "vultr:index/instance:Instance"]
    return [item["outputs"]["mainIp"] for item in servers]


def said(done: Any) -> str:
    return str(done.stdout) + str(done.stderr)


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
def test_a_disk_s_kind_stays_and_is_not_charged_as_another(make: Make) -> None:
    stack = make(region="ewr")
    assert stack.up().returncode == 0
    stack.change(pools=[APPS, {**DATA, "dataDiskType": "nvme"}])
    refused = stack.pulumi("preview")
    assert refused.returncode != 0
    assert "dataDiskType of pool data is nvme, but data-1's disk is hdd" in " ".join(said(refused).split())


@pytest.mark.slow
def test_another_system_is_told_until_its_servers_are_made_anew(make: Make) -> None:
    stack = make()
    assert stack.up().returncode == 0
    stack.change(pools=[{**APPS, "os": 2760}, DATA])
    for _ in range(2):  # an update that ignores it changes nothing of that
        assert waiting(stack.up()) == {"app-1", "app-2"}
    again = stack.codeb("fleet", "replace", "app-1", "--yes")
    assert again.returncode == 0, said(again)
    assert {one["label"]: one["os_id"] for one in stack.content()["instances"].values()} == {
        "codeb-app-1": 2760,
        "codeb-app-2": 2625,
        "codeb-data-1": 2625,
    }
    assert waiting(stack.pulumi("preview")) == {"app-2"}


def waiting(done: Any) -> set[str]:
    """The servers of which the words say that they have another system than the settings."""
    words = r"(\S+) runs Debian 13 x64 \(trixie\) and stays so: Ubuntu 26.04 LTS x64 comes with `codeb fleet replace \1 "
    return set(re.findall(words, said(done)))


def test_the_data_server_is_not_swapped_for_an_empty_one(make: Make) -> None:
    stack = make()
    assert stack.up().returncode == 0
    before = set(stack.content()["instances"])
    stack.change(pools=[APPS, {**DATA, "name": "db"}])
    for verb in ("preview", "up"):
        done = stack.pulumi(verb, *(["--yes", "--skip-preview"] if verb == "up" else []))
        assert done.returncode != 0
        assert "data-1 holds the data of all projects" in " ".join(said(done).split())
    assert set(stack.content()["instances"]) == before


_TAKES = pytest.param(False, id="and taken", marks=pytest.mark.slow)
BOTH = pytest.mark.parametrize("refuses", [pytest.param(True, id="empty changes refused"), _TAKES])
"""Vultr is said to refuse the plugin's empty PATCH of a disk; the recording's server took it."""


@pytest.mark.slow
@BOTH
def test_a_server_is_made_anew_on_purpose_and_its_disk_follows(
    make: Make, vultr: Simulator, *, refuses: bool
) -> None:
    vultr.set(refuse_empty_block_patch=refuses)
    stack = make(**SINGLE)
    assert stack.up().returncode == 0
    (server,) = stack.content()["instances"].values()
    (disk,) = stack.content()["blocks"].values()
    before = addresses(stack)
    urn = next(item["urn"] for item in stack.resources() if item["urn"].endswith("::app-1-instance"))
    again = stack.up("--replace", urn, CODEB_RENEW="app-1")
    assert again.returncode == 0, said(again)
    (other,) = stack.content()["instances"].values()
    assert other["id"] != server["id"]
    assert addresses(stack) == before
    (same,) = stack.content()["blocks"].values()
    assert same["id"] == disk["id"]
    assert same["attached_to_instance"] == other["id"]
    commands = [item for item in stack.resources() if item["urn"].endswith(("app-1-bundle", "app-1-agent"))]
    assert all(other["id"] in item["inputs"]["create"] for item in commands)
    assert steps(stack) == []


@pytest.mark.slow
def test_a_balancer_that_a_refresh_lost_is_not_made_twice(make: Make, vultr: Simulator) -> None:
    stack = make()
    assert stack.up().returncode == 0
    vultr.faults.add(Rule("500", method="GET", path="/load-balancers/*", count=4, account=stack.account))
    assert stack.pulumi("refresh", "--yes", "--skip-preview").returncode == 0
    (balancer,) = stack.content()["load_balancers"].values()
    preview = said(stack.pulumi("preview"))
    assert f"codeb fleet adopt {balancer['id']}" in preview
    refused = stack.up()
    assert refused.returncode != 0
    assert "nothing was done" in said(refused)
    assert f"codeb fleet adopt {balancer['id']}" in said(refused)
    assert len(stack.content()["load_balancers"]) == 1
    adopted = stack.codeb("fleet", "adopt", balancer["id"], "--yes")
    assert adopted.returncode == 0, said(adopted)
    assert steps(stack) == []


@pytest.mark.slow
def test_a_server_made_twice_is_told_and_removed(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("cut-after", method="POST", path="/instances", count=1, account=stack.account))
    assert stack.up().returncode == 0
    assert len(stack.content()["instances"]) == 4
    preview = said(stack.pulumi("preview"))
    assert "codeb fleet remove" in preview
    known = {item.get("id") for item in stack.resources()}
    (extra,) = set(stack.content()["instances"]) - known
    assert extra in preview
    assert stack.codeb("fleet", "remove", extra, "--yes").returncode == 0
    assert set(stack.content()["instances"]) <= known
    assert stack.codeb("fleet", "check").returncode == 0


def test_after_a_failure_the_account_is_looked_at(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("500-after", method="POST", path="/load-balancers", account=stack.account))
    failed = stack.up()
    assert failed.returncode != 0
    assert len(stack.content()["load_balancers"]) == 4
    assert "codeb fleet" in said(failed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("capacity", method="POST", path="/instances"), "not available in the selected region"),
        (Rule("quota", method="POST", path="/instances"), "limit"),
    ],
)
def test_what_vultr_refuses_is_told_in_its_words(
    make: Make, vultr: Simulator, rule: Rule, words: str
) -> None:
    stack = make()
    vultr.faults.add(Rule(**{**rule.__dict__, "account": stack.account}))
    failed = stack.up()
    assert failed.returncode != 0
    assert words in said(failed).lower()
    vultr.faults.clear()
    assert stack.up().returncode == 0


@pytest.mark.slow
def test_from_a_full_region_a_stack_without_servers_goes_to_another(make: Make, vultr: Simulator) -> None:
    stack = make(**SINGLE)
    vultr.faults.add(Rule("capacity", method="POST", path="/instances", account=stack.account))
    assert stack.up().returncode != 0
    vultr.faults.clear()
    stack.change(region="nrt")
    other = stack.up()
    assert other.returncode == 0, said(other)
    content = stack.content()
    kinds = ("vpcs", "reserved_ips", "instances", "blocks")
    assert [[one["region"] for one in content[kind].values()] for kind in kinds] == [["nrt"]] * 4


@pytest.mark.slow
def test_a_first_update_that_made_a_server_keeps_its_region(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("quota", method="POST", path="/load-balancers", account=stack.account))
    assert stack.up().returncode != 0
    vultr.faults.clear()
    stack.change(region="nrt")
    refused = stack.up()
    assert refused.returncode != 0
    assert "codeb:region is nrt, but this stack's servers are in icn" in " ".join(said(refused).split())
    stack.change(region="icn")
    assert stack.up().returncode == 0


def test_a_zone_that_is_not_there_is_said_before_anything_is_done(make: Make) -> None:
    stack = make(domain="nowhere.test", dnsZone="nowhere.test")
    for done in (stack.pulumi("preview"), stack.up()):
        assert done.returncode != 0
        assert "hosts no zone nowhere.test" in " ".join(said(done).split())
    assert not stack.content()["instances"]


@pytest.mark.slow
def test_the_key_of_another_account_does_no_harm(make: Make, vultr: Simulator) -> None:
    """A refresh would drop everything from the state, disks too, and the next update make an empty fleet there."""
    stack = make()
    assert stack.up().returncode == 0
    before = stack.resources()
    (disk,) = stack.content()["blocks"]
    vultr.accounts.ensure("stranger")
    stack.change(vultrApiKey=vultr.key("stranger"))
    done = [
        stack.up(),
        *(stack.codeb("fleet", *words) for words in (["check"], ["refresh"], ["forget", disk, "--yes"])),
    ]
    for one in done:
        assert one.returncode == 1 or one is done[0]
        assert one.returncode != 0
        assert "the key is another account's" in " ".join(said(one).split())
    assert [each.get("id") for each in stack.resources()] == [each.get("id") for each in before]
    assert not [kind for kind, things in vultr.content("stranger").items() if things and kind != "failures"]
    assert stack.codeb("fleet", "forget", disk, "--emptied", "--yes").returncode == 0, "whoever knows may"


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


def test_a_wrong_key_is_said_before_anything_is_done(make: Make) -> None:
    stack = make(vultrApiKey="WRONGKEYWRONGKEYWRONGKEY")
    failed = stack.up()
    assert failed.returncode != 0
    assert "key" in said(failed).lower()
    assert "WRONGKEY" not in said(failed)


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


@pytest.mark.slow
@BOTH
def test_a_data_server_deleted_by_hand_gets_its_disk_back(
    make: Make, vultr: Simulator, *, refuses: bool
) -> None:
    vultr.set(refuse_empty_block_patch=refuses)
    stack = make()
    assert stack.up().returncode == 0
    server = next(one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    (disk,) = stack.content()["blocks"].values()
    call(vultr, stack.account, "DELETE", f"/instances/{server['id']}")
    assert stack.codeb("fleet", "forget", server["id"], "--yes").returncode == 0
    again = stack.up()
    assert again.returncode == 0, said(again)
    (same,) = stack.content()["blocks"].values()
    (other,) = (one for one in stack.content()["instances"].values() if one["label"] == "codeb-data-1")
    assert (same["id"], same["attached_to_instance"]) == (disk["id"], other["id"])
    assert stack.codeb("fleet", "check").returncode == 0
    assert steps(stack) == []


@pytest.mark.slow
def test_a_disk_labelled_by_an_older_version_is_the_stack_s(make: Make, vultr: Simulator) -> None:
    """It gets today's label with the next update, and nothing else is done."""
    stack = make()
    assert stack.up().returncode == 0
    (disk,) = stack.content()["blocks"].values()
    old = disk["label"].rpartition(".")[0]
    call(vultr, stack.account, "PATCH", f"/blocks/{disk['id']}", {"label": old})
    assert stack.codeb("fleet", "refresh").returncode == 0
    assert stack.codeb("fleet", "check").returncode == 0
    assert steps(stack) == [("update", "vultr:index/blockStorage:BlockStorage", "data-1-disk-storage")]
    assert stack.up().returncode == 0
    (same,) = stack.content()["blocks"].values()
    assert same == disk
    assert steps(stack) == []


@pytest.mark.slow
def test_a_server_that_is_locked_at_first_is_waited_for(make: Make, vultr: Simulator) -> None:
    vultr.set(locked_s=6, refuse_empty_block_patch=True)
    stack = make()
    first = stack.up()
    assert first.returncode == 0, said(first)
    (disk,) = stack.content()["blocks"].values()
    assert disk["attached_to_instance"]
    assert steps(stack) == []


@pytest.mark.slow
def test_a_locked_server_s_deletion_fails_and_is_done_by_the_next(make: Make, vultr: Simulator) -> None:
    stack = make(protect=False)
    assert stack.up().returncode == 0
    vultr.set(locked_s=25)
    stack.change(pools=[{**APPS, "count": 3}, DATA])
    assert stack.up().returncode == 0
    stack.change(pools=[APPS, DATA])
    failed = stack.up()
    assert failed.returncode != 0
    assert "currently locked" in said(failed)
    end = time.monotonic() + 60
    while stack.up().returncode:
        assert time.monotonic() < end
    assert len(stack.content()["instances"]) == 2 + 1
    assert steps(stack) == []


@pytest.mark.slow
def test_no_record_is_made_before_the_balancer_has_an_address(make: Make, vultr: Simulator) -> None:
    vultr.set(balancer_address_s=6)
    stack = make()
    first = stack.up()
    assert first.returncode == 0, said(first)
    (zone,) = stack.content()["domains"].values()
    addressed = [one["data"] for one in zone["_records"].values() if one["type"] == "A"]
    assert addressed
    assert all(addressed), addressed
    assert steps(stack) == [], "the state still has no address: the preview asks"
    assert stack.codeb("fleet", "check").returncode == 0


@pytest.mark.slow
def test_a_server_deleted_by_hand_is_told_and_made_again(make: Make, vultr: Simulator) -> None:
    stack = make()
    assert stack.up().returncode == 0
    server = next(one for one in stack.content()["instances"].values() if one["label"] == "codeb-app-2")
    call(vultr, stack.account, "DELETE", f"/instances/{server['id']}")
    preview = said(stack.pulumi("preview"))
    assert server["id"] in preview
    assert "codeb fleet forget" in preview
    assert stack.codeb("fleet", "forget", server["id"], "--yes").returncode == 0
    again = stack.up()
    assert again.returncode == 0, said(again)
    labels = [one["label"] for one in stack.content()["instances"].values()]
    assert sorted(labels) == ["codeb-app-1", "codeb-app-2", "codeb-data-1"]
    assert steps(stack) == []
