"""What replaces, what changes in place, and what is no change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import CHECK, RESOURCES, RULES

REPLACING = {
    "Instance": {
        "osId": 1,
        "hostname": "x",
        "sshKeyIds": [],
        "userData": "x",
        "userScheme": "root",
        "region": "ewr",
        "disablePublicIpv4": True,
        "snapshotId": "x",
        "imageId": "x",
        "appId": 1,
        "scriptId": "x",
        "reservedIpId": "x",
        "ipxeChainUrl": "x",
        "appVariables": {"a": "b"},
    },
    "BlockStorage": {"blockType": "storage_opt", "region": "ewr"},
    "ReservedIp": {"ipType": "v6", "region": "ewr"},
    "DnsDomain": {"domain": "other.test", "ip": "192.0.2.1"},
    "DnsRecord": {"type": "TXT", "domain": "other.test"},
    "Vpc": {"v4Subnet": "10.1.0.0", "v4SubnetMask": 16, "region": "ewr"},
    "FirewallRule": {
        "ipType": "v6",
        "protocol": "udp",
        "subnet": "10.0.0.0",
        "subnetSize": 8,
        "port": "23",
        "source": "cloudflare",
        "notes": "x",
        "firewallGroupId": "x",
    },
    "VirtualFileSystemStorage": {"tags": ["x"], "region": "ewr"},
    "LoadBalancer": {"region": "ewr"},
}
IN_PLACE = {
    "Instance": {
        "plan": "vc2-2c-4gb",
        "label": "x",
        "tags": ["x"],
        "firewallGroupId": "x",
        "vpcIds": ["x"],
        "enableIpv6": True,
        "ddosProtection": True,
        "activationEmail": True,
    },
    "SSHKey": {"sshKey": "ssh-ed25519 B", "name": "x"},
    "LoadBalancer": {
        "vpc": "x",
        "label": "x",
        "proxyProtocol": False,
        "sslRedirect": True,
        "balancingAlgorithm": "leastconn",
        "cookieName": "x",
        "ssl": {"privateKey": "K", "certificate": "C"},
        "firewallRules": [{"port": 80, "ipType": "v4", "source": "0.0.0.0/0"}],
        "forwardingRules": RULES[:1],
        "attachedInstances": ["x"],
        "healthCheck": {**CHECK, "path": "/"},
    },
    "BlockStorage": {"live": False, "sizeGb": 60, "label": "x", "attachedToInstance": "x"},
    "VirtualFileSystemStorage": {"diskType": "hdd", "sizeGb": 20, "label": "x", "attachedInstances": ["x"]},
    "ReservedIp": {"label": "x", "instanceId": "x"},
    "DnsRecord": {"name": "x", "data": "x", "ttl": 60, "priority": 1},
    "DnsDomain": {"dnsSec": "enabled"},
    "Vpc": {"description": "x"},
    "FirewallGroup": {"description": "x"},
}


def each(table: dict[str, dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(resource, key, value, id=f"{resource}-{key}")
        for resource, changes in table.items()
        for key, value in changes.items()
    ]


@pytest.mark.parametrize(("resource", "key", "value"), each(REPLACING))
def test_what_replaces(made: Lives, account: Account, resource: str, key: str, value: Any) -> None:
    """A resource with a name of its own goes before its successor comes, any other after it."""
    diff = made(resource).diff(**{key: value})
    assert (diff.replaces, diff.delete_before_replace) == ((key,), resource == "DnsRecord")


@pytest.mark.parametrize(("resource", "key", "value"), each(IN_PLACE))
def test_what_changes_in_place(made: Lives, account: Account, resource: str, key: str, value: Any) -> None:
    diff = made(resource).diff(**{key: value})
    assert (diff.changes, diff.replaces) == (True, ())


def test_the_user_left_out_after_an_upgrade_replaces(made: Lives, account: Account) -> None:
    assert made("Instance").diff(userScheme=None).replaces == ("userScheme",)


@pytest.mark.parametrize("resource", [name for name in RESOURCES if "region" in RESOURCES[name].inputs])
def test_a_region_in_other_letters_is_the_same(made: Lives, account: Account, resource: str) -> None:
    assert not made(resource).diff(region="ICN").changes


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("Instance", {"firewallGroupId": None}),
        ("Instance", {"firewallGroupId": ""}),
        ("Instance", {"label": None}),
        ("Instance", {"userData": None}),
        ("Instance", {"vpcIds": None}),
        ("Instance", {"tags": ["a", "b"]}),
        ("Instance", {"tags": ["b", "a"]}),
        ("ReservedIp", {"instanceId": None}),
        ("ReservedIp", {"instanceId": ""}),
        ("LoadBalancer", {"healthCheck": None}),
        ("LoadBalancer", {"attachedInstances": None}),
        ("LoadBalancer", {"forwardingRules": RULES[::-1]}),
    ],
)
def test_what_is_no_change(made: Lives, account: Account, resource: str, change: dict[str, Any]) -> None:
    one = made(resource)
    assert not one.diff(**change).changes
    assert one.sent(**change) == []


def test_order_of_a_balancers_instances_matters(made: Lives, account: Account) -> None:
    one = made("LoadBalancer", attachedInstances=["one", "two"])
    assert one.diff(attachedInstances=["two", "one"]).changes
