"""The simulator answers what the real plugin sent such that the plugin is content: its conformance test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.unit.vultr.conftest import Clock
from tests.unit.vultr.recorded import WIRE, Player

RESOURCES = [
    "SSHKey",
    "Vpc",
    "FirewallGroup",
    "FirewallRule",
    "Instance",
    "BlockStorage",
    "ReservedIp",
    "LoadBalancer",
    "DnsDomain",
    "DnsRecord",
    "VirtualFileSystemStorage",
    "Database",
    "DatabaseUser",
    "ObjectStorage",
]
WHOLE = "_order_of_a_whole_stack"


def _timed(calls: list[dict[str, Any]]) -> bool:
    """Whether an operation was recorded for itself and not in the course of one stack's life."""
    return "at_s" in calls[0]


ALONE = [(name, operation) for name in RESOURCES for operation, calls in WIRE[name].items() if _timed(calls)]
LIFE = [operation for name in RESOURCES for operation, calls in WIRE[name].items() if not _timed(calls)]
# what the recording's server was told to answer, and how a simulator comes to say the same
SECONDS = {"create_pending_30s": 30, "create_rebuilding_30s": 30, "delete_not_ready_400": 3}
DURATION = {
    "Instance": "instance_s",
    "BlockStorage": "block_s",
    "LoadBalancer": "balancer_s",
    "VirtualFileSystemStorage": "share_s",
    "Database": "database_s",
}


@pytest.fixture
def player(vultr: Simulator, clock: Clock) -> Player:
    vultr.set(refuse_empty_block_patch=False)  # the recording's server took what Vultr is said to refuse
    return Player(vultr, clock)


@pytest.mark.parametrize("ending", ["delete", "destroy"])
def test_a_stack_s_life_is_answered_as_recorded(player: Player, ending: str) -> None:
    for name in RESOURCES:
        player.play(WIRE[name]["create"])
    for name in RESOURCES:
        player.play(WIRE[name]["refresh"])
    for name in RESOURCES:
        for operation, calls in WIRE[name].items():
            if operation.startswith("update") and not _timed(calls):
                player.play(calls)
    for calls in _ends(ending):
        player.play(calls)
    for record in [
        one for one in player.vultr.content()["vpcs"]
    ]:  # the second network is nobody's in the recording
        player.api.does("DELETE", f"/vpcs/{record}")
    left = {
        name: things
        for name, things in player.vultr.content().items()
        if things and name != "firewall_groups"
    }
    assert left == {}


def _ends(ending: str) -> Iterator[list[dict[str, Any]]]:
    if ending == "destroy":
        yield [call | {"at_s": 0} for call in WIRE[WHOLE]["destroy"]]
        return
    for name in reversed(RESOURCES):
        yield WIRE[name]["delete"]


@pytest.mark.parametrize(("name", "operation"), ALONE, ids=lambda one: one)
def test_an_operation_is_answered_as_recorded(
    player: Player, clock: Clock, name: str, operation: str
) -> None:
    calls = WIRE[name][operation]
    _before(player, name, operation, calls)
    if operation == "delete_still_attached_400":
        player.play(calls[:2])
        for instance in list(player.vultr.content()["instances"]):
            player.api.does("DELETE", f"/instances/{instance}")
        calls = calls[2:]
    player.play(calls, retry_after=4 if operation == "create_429_retry_after_4" else 0)


def _before(player: Player, name: str, operation: str, calls: list[dict[str, Any]]) -> None:
    """What an operation's recording began with, beyond what its calls name."""
    if operation in SECONDS:
        player.vultr.set(**{DURATION[name]: SECONDS[operation]})
    elif operation == "delete_still_attached_400":
        for call in calls[:2]:
            player.prepare(call)
        player.api.instance(attach_vpc=list(player.ids.values()))
    elif operation == "create_attach_400":
        text = "Reserved IP is already attached"
        player.vultr.faults.add(Rule("500", path="/reserved-ips/*/attach", status=400, text=text, count=1))
    else:
        _updated(player, operation)


def _updated(player: Player, operation: str) -> None:
    """The resource as it was before one of its updates."""
    if operation in ("update_vpcIds_to_empty", "update_tags_removed"):
        network, group = player.api.vpc()["id"], player.api.group()["id"]
        named: dict[str, Any] = {
            "label": "node-1",
            "hostname": "node-1",
            "tags": ["a", "b"],
            "user_scheme": "limited",
        }
        server = player.api.instance(**named, attach_vpc=[network], firewall_group_id=group)["id"]
        second = [network, group] if operation == "update_vpcIds_to_empty" else [group, network]
        player.ids |= dict(zip(("{ID_1}", "{ID_2}", "{ID_3}"), [server, *second], strict=True))
    elif operation == "update_attachedToInstance_removed":
        server, block = player.api.instance()["id"], player.api.block(label="data")["id"]
        player.api.does("POST", f"/blocks/{block}/attach", {"instance_id": server})
        player.ids |= {"{ID_1}": block, "{ID_2}": server}


def test_a_server_is_replaced_and_drift_repaired_as_recorded(player: Player) -> None:
    calls = WIRE[WHOLE]["replace_instance_and_drift_repair"]
    for placeholder, kind in {"{ID_2}": "vpc", "{ID_3}": "group", "{ID_5}": "ssh_key"}.items():
        player.ids[placeholder] = getattr(player.api, kind)()["id"]
    for port in ("80", "22", "443"):
        rule = {"ip_type": "v4", "protocol": "tcp", "subnet": "0.0.0.0", "subnet_size": 0, "port": port}
        player.api.does("POST", f"/firewalls/{player.ids['{ID_3}']}/rules", rule)
    old = player.api.instance(attach_vpc=[player.ids["{ID_2}"]])["id"]
    share = player.api.share()["id"]
    player.api.does("PUT", f"/vfs/{share}/attachments/{old}")
    player.ids |= {"{ID_10}": old, "{ID_9}": share, "{ID_11}": player.api.balancer(instances=[old])["id"]}
    _play_whole(player, calls)
    assert list(player.vultr.content()["instances"]) == [player.ids["{ID_7}"]]


def _play_whole(player: Player, calls: list[dict[str, Any]]) -> None:
    """The recording of a whole stack has no answers: the id of the new server is the one that came into being."""
    for call in calls:
        player.play([call])
        if (call["method"], call["path"]) == ("POST", "/v2/instances"):
            (new,) = set(player.vultr.content()["instances"]) - {player.ids["{ID_10}"]}
            player.ids["{ID_7}"] = new


def test_every_operation_of_the_recording_is_played() -> None:
    played = {operation for _, operation in ALONE} | set(LIFE)
    assert played == {operation for name in RESOURCES for operation in WIRE[name]}
    assert set(WIRE) == {*RESOURCES, WHOLE}
    unknown = [one for one in LIFE if not one.startswith(("create", "refresh", "update", "delete"))]
    assert unknown == []
