"""The provider calls what the real plugin was recorded to call: same order, bodies and waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.providers.protocol import PartialFailure, ProviderError
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import RESOURCES, RULES, Life, playing
from tests.plugins.vultr.recording import Recording, wire
from tests.plugins.vultr.server import Server

LATER = {"DatabaseDb"}
"""Recorded, but without a stand-in."""

MINIMAL = {"region": "icn", "plan": "vc2-1c-1gb", "osId": 2625}
GAVE_UP = (
    r'gave up after 4 attempts, last error: "{\\"error\\":\\"Internal Server Error\\",\\"status\\":500}"'
)


@dataclass(frozen=True)
class Alone:
    """A recorded operation that is no part of a whole life."""

    resource: str
    operation: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """None: those of the whole life."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    made_as: str = ""
    """The recorded creation before it, and what the names there are here."""

    names: Mapping[str, str] = field(default_factory=dict)
    only: str = "."
    fails: str = ""

    @property
    def id(self) -> str:
        return f"{self.resource}-{self.operation}"


INSTANCE = RESOURCES["Instance"].inputs
BALANCER = RESOURCES["LoadBalancer"].inputs
BLOCK = RESOURCES["BlockStorage"].inputs

ALONE = [
    Alone("SSHKey", "create_cut_after_work"),
    Alone("SSHKey", "create_429_twice"),
    Alone("SSHKey", "create_429_retry_after_4"),
    Alone("SSHKey", "create_500_forever", fails=f"error creating SSH key: {GAVE_UP}"),
    Alone("Vpc", "create_minimal", {"region": "icn"}),
    Alone("Vpc", "delete_still_attached_400", made_as="create", names={"VPC_ID": "id_1"}, only="id_1"),
    Alone("FirewallGroup", "create_minimal", {"description": ""}),
    Alone("Instance", "create_minimal", MINIMAL),
    Alone(
        "Instance",
        "create_pending_30s",
        {**INSTANCE, "firewallGroupId": "id_1", "vpcIds": ["id_2"], "sshKeyIds": ["id_3"]},
    ),
    Alone(
        "Instance",
        "update_vpcIds_to_empty",
        {**INSTANCE, "firewallGroupId": "id_3", "vpcIds": ["id_2"]},
        {"vpcIds": []},
        "create",
        {"INSTANCE_ID": "id_1", "VPC_ID": "id_2", "FIREWALL_GROUP_ID": "id_3"},
    ),
    Alone(
        "Instance",
        "update_tags_removed",
        {**INSTANCE, "firewallGroupId": "id_2", "vpcIds": ["id_3"]},
        {"tags": None},
        "create",
        {"INSTANCE_ID": "id_1", "VPC_ID": "id_3", "FIREWALL_GROUP_ID": "id_2"},
    ),
    Alone("Instance", "create_cut_after_work", {**MINIMAL, "label": "n1"}),
    Alone(
        "Instance", "delete_cut_after_work", MINIMAL, made_as="create_minimal", fails="invalid instance ID"
    ),
    Alone("BlockStorage", "create_minimal", {"region": "icn", "sizeGb": 40}),
    Alone("BlockStorage", "create_pending_30s", {**BLOCK, "attachedToInstance": "id_2"}),
    Alone(
        "BlockStorage",
        "update_attachedToInstance_removed",
        {**BLOCK, "attachedToInstance": "id_2"},
        {"attachedToInstance": None},
        "create",
        {"BLOCK_ID": "id_1", "INSTANCE_ID": "id_2"},
    ),
    Alone("ReservedIp", "create_minimal", {"region": "icn", "ipType": "v4"}),
    Alone(
        "ReservedIp",
        "create_attach_400",
        {"region": "icn", "ipType": "v4", "instanceId": "id_1"},
        fails="error attaching reserved IP: id_2 id_1 : .*Reserved IP is already attached",
    ),
    Alone("LoadBalancer", "create_minimal", {"region": "icn", "forwardingRules": RULES[:1]}),
    Alone("LoadBalancer", "create_pending_30s", {**BALANCER, "attachedInstances": ["id_1"], "vpc": "id_2"}),
    Alone(
        "LoadBalancer",
        "create_https_with_ssl",
        {
            "region": "icn",
            "forwardingRules": [
                {
                    "frontendProtocol": "https",
                    "frontendPort": 443,
                    "backendProtocol": "http",
                    "backendPort": 80,
                }
            ],
            "ssl": {"privateKey": "PK-EXAMPLE", "certificate": "CERT-EXAMPLE", "chain": "CH"},
        },
    ),
    Alone(
        "LoadBalancer",
        "update_vpc_removed",
        changes={"vpc": None},
        made_as="create",
        names={"LOAD_BALANCER_ID": "id_1"},
    ),
    Alone("LoadBalancer", "delete_not_ready_400", made_as="create", names={"LOAD_BALANCER_ID": "id_1"}),
    Alone("DnsDomain", "create_with_ip", {"domain": "a.test", "ip": "203.0.113.1"}),
    Alone(
        "DnsDomain", "create_cut_after_work", fails="error while creating domain : .*Domain already exists"
    ),
    Alone(
        "VirtualFileSystemStorage",
        "create_pending_30s",
        {"region": "icn", "label": "fs1", "sizeGb": 10, "attachedInstances": ["id_2"]},
    ),
    Alone("Database", "create_rebuilding_30s"),
]

RULE_LIFE = {"create", "preview_unchanged", "up_unchanged", "refresh", "update_port_replaces", "delete"}


@pytest.mark.parametrize("resource", [name for name in RESOURCES if name != "FirewallRule"])
def test_a_whole_life(life: Lives, resource: str) -> None:
    one = life(resource)
    one.plays("create", one.create)
    for operation in ("preview_unchanged", "up_unchanged"):
        one.plays(operation, one.update)
    one.plays("refresh", one.refresh)
    assert not one.diff().changes
    for operation, changes in RESOURCES[resource].changes.items():
        one.plays(operation, lambda changes=changes: one.update(**changes))
    one.plays("delete", one.delete)


@pytest.mark.parametrize("alone", ALONE, ids=lambda alone: alone.id)
def test_an_operation(life: Lives, alone: Alone) -> None:
    one = life(alone.resource, **alone.inputs)
    if alone.made_as:
        one.plays(alone.made_as, one.create, alone.names)
    act = _act(one, alone)
    if not alone.fails:
        return one.plays(alone.operation, act, only=alone.only)
    with pytest.raises(ProviderError) as failed:
        one.plays(alone.operation, act, only=alone.only)
    reasons = failed.value.reasons if isinstance(failed.value, PartialFailure) else [str(failed.value)]
    assert re.search(alone.fails, reasons[0])
    return None


def _act(one: Life, alone: Alone) -> Callable[[], Any]:
    if alone.operation.startswith("create"):
        return one.create
    return one.delete if alone.operation.startswith("delete") else lambda: one.update(**alone.changes)


def test_three_firewall_rules(life: Lives, server: Server, waits: list[float]) -> None:
    """None is ever changed: another port is another rule, with a number of its own, and the old one goes after it."""

    def recorded(operation: str) -> AbstractContextManager[None]:
        return playing(server, waits, Recording("FirewallRule", operation, {}))

    rules = {
        port: life("FirewallRule", **{**RESOURCES["FirewallRule"].inputs, "port": port})
        for port in ("80", "22", "443", "2222")
    }
    with recorded("create"):
        for port in ("80", "22", "443"):
            rules[port].create()
    for operation in ("preview_unchanged", "up_unchanged"):
        with recorded(operation):
            rules["22"].update()
    with recorded("refresh"):
        for port in ("80", "22", "443"):
            rules[port].refresh()
    diff = rules["22"].diff(port="2222")
    assert (diff.replaces, diff.delete_before_replace) == (("port",), False)
    with recorded("update_port_replaces"):
        rules["2222"].create()
        rules["22"].delete()
    with recorded("delete"):
        for port in ("443", "80", "2222"):
            rules[port].delete()


def test_every_recorded_operation_is_played() -> None:
    played = {(each.resource, each.operation) for each in ALONE}
    for name, resource in RESOURCES.items():
        lives = {"create", "preview_unchanged", "up_unchanged", "refresh", "delete", *resource.changes}
        played |= {(name, operation) for operation in (RULE_LIFE if name == "FirewallRule" else lives)}
    recorded = {
        (resource, operation)
        for resource, operations in wire().items()
        if resource not in LATER and not resource.startswith("_")
        for operation in operations
    }
    assert played == recorded
