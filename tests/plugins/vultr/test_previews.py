"""What checks and previews say without asking anybody, and what is secret."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.providers.protocol import UNKNOWN, Provider
from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import RESOURCES, RULES
from tests.plugins.vultr.server import Server


@pytest.mark.parametrize("resource", RESOURCES)
def test_previews_and_runs_without_change_call_nothing(
    made: Lives, account: Account, server: Server, resource: str
) -> None:
    one = made(resource)
    for refreshed in (False, True):
        if refreshed:
            one.refresh()
        server.taken()
        known = (one.type, one.urn, one.state.id, one.inputs, one.state.outputs)
        assert not one.diff().changes
        one.provider.preview(one.type, one.urn, None, one.inputs)
        one.provider.preview(one.type, one.urn, one.state.outputs, one.inputs)
        assert not one.provider.diff(*known, one.inputs).changes
        assert server.taken() == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_preview_knows_what_is_given_and_not_what_the_cloud_decides(
    life: Lives, account: Account, resource: str
) -> None:
    one = life(resource)
    inputs = one.checked()
    outputs = one.provider.preview(one.type, one.urn, None, inputs)
    assert outputs["id"] is UNKNOWN
    one.create()
    shown = {key for key, value in outputs.items() if value is not UNKNOWN and value is not None}
    defaults = {"live", "ddosProtection", "sslRedirect", "isoId", "source", "notes", "label", "firewallRules"}
    assert shown <= one.inputs.keys() | defaults
    assert one.state.outputs.keys() >= outputs.keys()


@pytest.mark.parametrize(
    ("resource", "changes"),
    [
        (
            "Instance",
            {"vpcIds": [UNKNOWN], "firewallGroupId": UNKNOWN, "sshKeyIds": [UNKNOWN], "tags": UNKNOWN},
        ),
        ("LoadBalancer", {"attachedInstances": [UNKNOWN], "vpc": UNKNOWN, "forwardingRules": UNKNOWN}),
        ("LoadBalancer", {"forwardingRules": [{**RULES[0], "backendPort": UNKNOWN}], "healthCheck": UNKNOWN}),
        ("LoadBalancer", {"forwardingRules": [RULES[0], UNKNOWN], "ssl": UNKNOWN}),
        ("LoadBalancer", {"ssl": {"privateKey": UNKNOWN, "certificate": UNKNOWN}}),
        ("BlockStorage", {"attachedToInstance": UNKNOWN, "region": UNKNOWN}),
        ("ReservedIp", {"instanceId": UNKNOWN}),
        ("DnsRecord", {"data": UNKNOWN}),
        ("FirewallRule", {"firewallGroupId": UNKNOWN, "subnet": UNKNOWN}),
        ("VirtualFileSystemStorage", {"attachedInstances": [UNKNOWN]}),
    ],
)
def test_unknown_values_in_a_preview_are_changes(
    made: Lives, account: Account, resource: str, changes: dict[str, Any]
) -> None:
    one = made(resource)
    news = one.provider.check(one.type, one.urn, one.inputs, {**one.given, **changes}, b"").inputs
    assert one.provider.diff(one.type, one.urn, one.state.id, one.inputs, one.state.outputs, news).changes
    for olds in (None, one.state.outputs):
        outputs = one.provider.preview(one.type, one.urn, olds, news)
        assert all(outputs[key] == news[key] for key in changes if not isinstance(changes[key], list | dict))


SECRET = {
    "Instance": ("defaultPassword",),
    "LoadBalancer": ("ssl.privateKey",),
    "ObjectStorage": ("s3AccessKey", "s3SecretKey"),
}


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_is_secret_in_the_state(vultr: Provider, resource: str) -> None:
    """User data, the console's address and a certificate are not; the program has to say so."""
    assert vultr.secret_properties(RESOURCES[resource].type) == SECRET.get(resource, ())
    assert vultr.secret_properties("pulumi:providers:vultr") == ("apiKey",)


@pytest.mark.parametrize(
    ("resource", "inputs", "words"),
    [
        ("LoadBalancer", {"forwardingRules": [{**RULES[0], "frontendPort": 0}]},
         r"forwarding_rules\.0\.frontend_port to be in the range \(1 - 65535\), got 0.*'it.forwardingRules\[0\]"),
        ("LoadBalancer", {"healthCheck": {"protocol": "udp", "port": 1}}, r"health_check\.0\.protocol to be one of"),
        ("LoadBalancer", {"healthCheck": {"protocol": "tcp"}}, r'argument "port" is required.*it\.healthCheck\.port'),
        ("LoadBalancer", {"ssl": {"privateKey": "", "certificate": "C"}}, r"private_key must not be empty"),
        ("LoadBalancer", {"balancingAlgorithm": "fair"}, "balancing_algorithm to be one of"),
        ("FirewallRule", {"protocol": "sctp"}, "protocol to be one of"),
        ("FirewallRule", {"subnet": "10.0.0.0/8"}, "subnet to contain a valid IP"),
        ("Vpc", {"v4Subnet": "fd00::"}, "valid IPv4 address"),
        ("Instance", {"plan": ""}, "plan must not be empty"),
        ("BlockStorage", {"blockType": "tape"}, "block_type to be one of"),
        ("DnsRecord", {"type": "PTR"}, "type to be one of"),
        ("SSHKey", {"sshKey": None}, 'argument "ssh_key" is required'),
        ("Instance", {"vpcs": ["x"]}, "Invalid or unknown key"),
    ],
)  # fmt: skip
def test_what_a_check_refuses(vultr: Provider, resource: str, inputs: dict[str, Any], words: str) -> None:
    given = {**RESOURCES[resource].inputs, **inputs}
    urn = f"urn:pulumi:test::unit::{RESOURCES[resource].type}::it"
    ((_, reason),) = vultr.check(RESOURCES[resource].type, urn, {}, given, b"").failures
    assert re.search(words, reason), reason
