"""Each resource as it was recorded: its inputs, and what was changed of them, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.providers.protocol import DiffResult, PartialFailure, Provider, State
from tests.plugins.life import urn
from tests.plugins.vultr.recording import Recording, made_as_recorded
from tests.plugins.vultr.server import Call, Server

RULES = [
    {"frontendProtocol": "tcp", "frontendPort": 443, "backendProtocol": "tcp", "backendPort": 443},
    {"frontendProtocol": "http", "frontendPort": 80, "backendProtocol": "http", "backendPort": 80},
]
SSH_RULE = {"frontendProtocol": "tcp", "frontendPort": 22, "backendProtocol": "tcp", "backendPort": 22}
CHECK = {
    "protocol": "http",
    "port": 80,
    "path": "/api/health",
    "checkInterval": 15,
    "responseTimeout": 5,
    "unhealthyThreshold": 3,
    "healthyThreshold": 2,
}


@dataclass(frozen=True)
class Recorded:
    """A resource of the recording. `changes` are the recorded updates, in their order: what differs in the inputs."""

    type: str
    inputs: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


RESOURCES: Mapping[str, Recorded] = {
    "SSHKey": Recorded(
        "vultr:index/sSHKey:SSHKey",
        {"name": "k1", "sshKey": "ssh-ed25519 AAAA... comment"},
        {"update_name": {"name": "k1b"}},
    ),
    "Vpc": Recorded(
        "vultr:index/vpc:Vpc",
        {"region": "icn", "description": "d1", "v4Subnet": "10.10.0.0", "v4SubnetMask": 24},
        {"update_description": {"description": "d1b"}},
    ),
    "FirewallGroup": Recorded(
        "vultr:index/firewallGroup:FirewallGroup",
        {"description": "web"},
        {"update_description": {"description": "web-b"}},
    ),
    "FirewallRule": Recorded(
        "vultr:index/firewallRule:FirewallRule",
        {
            "firewallGroupId": "firewall_group_id",
            "ipType": "v4",
            "protocol": "tcp",
            "subnet": "0.0.0.0",
            "subnetSize": 0,
            "port": "22",
        },
    ),
    "Instance": Recorded(
        "vultr:index/instance:Instance",
        {
            "region": "icn",
            "plan": "vc2-1c-1gb",
            "label": "node-1",
            "tags": ["b", "a"],
            "osId": 2625,
            "firewallGroupId": "firewall_group_id",
            "hostname": "node-1",
            "vpcIds": ["vpc_id"],
            "sshKeyIds": ["ssh_key_id"],
            "userData": "#!/bin/sh\necho hi\n",
            "userScheme": "limited",
        },
        {
            "update_label": {"label": "node-1b"},
            "update_plan_firewallGroupId_vpcIds_tags": {
                "plan": "vc2-2c-4gb",
                "firewallGroupId": "firewall_group_b_id",
                "vpcIds": ["vpc_b_id"],
                "tags": ["c"],
            },
            "update_tags_to_empty": {"tags": []},
        },
    ),
    "BlockStorage": Recorded(
        "vultr:index/blockStorage:BlockStorage",
        {
            "region": "icn",
            "sizeGb": 40,
            "label": "data",
            "blockType": "high_perf",
            "attachedToInstance": "instance_id",
            "live": True,
        },
        {
            "update_sizeGb": {"sizeGb": 60},
            "update_label": {"label": "data2"},
            "update_attachedToInstance_to_empty": {"attachedToInstance": ""},
        },
    ),
    "ReservedIp": Recorded(
        "vultr:index/reservedIp:ReservedIp",
        {"region": "icn", "ipType": "v4", "label": "ip1", "instanceId": "instance_id"},
        {"update_label": {"label": "ip1b"}, "update_instanceId_to_empty": {"instanceId": ""}},
    ),
    "LoadBalancer": Recorded(
        "vultr:index/loadBalancer:LoadBalancer",
        {
            "region": "icn",
            "label": "lb1",
            "attachedInstances": ["instance_id"],
            "healthCheck": CHECK,
            "forwardingRules": RULES,
            "proxyProtocol": True,
            "balancingAlgorithm": "roundrobin",
            "vpc": "vpc_id",
        },
        {
            "update_healthCheck": {"healthCheck": {**CHECK, "unhealthyThreshold": 4}},
            "update_forwardingRules": {"forwardingRules": [*RULES, SSH_RULE]},
            "update_label_and_attachedInstances_to_empty": {"label": "lb2", "attachedInstances": []},
        },
    ),
    "DnsDomain": Recorded(
        "vultr:index/dnsDomain:DnsDomain",
        {"domain": "example.test"},
        {"update_dnsSec": {"dnsSec": "enabled"}},
    ),
    "DnsRecord": Recorded(
        "vultr:index/dnsRecord:DnsRecord",
        {"domain": "example.test", "name": "www", "type": "A", "data": "203.0.113.9", "ttl": 300},
        {"update_data": {"data": "203.0.113.10"}, "update_name": {"name": "www2"}},
    ),
    "VirtualFileSystemStorage": Recorded(
        "vultr:index/virtualFileSystemStorage:VirtualFileSystemStorage",
        {"region": "icn", "label": "fs1", "sizeGb": 10, "attachedInstances": ["instance_id"]},
        {"update_sizeGb": {"sizeGb": 20}, "update_attachedInstances_to_empty": {"attachedInstances": []}},
    ),
    "Database": Recorded(
        "vultr:index/database:Database",
        {
            "databaseEngine": "pg",
            "databaseEngineVersion": "16",
            "region": "icn",
            "plan": "vultr-dbaas-startup-cc-1-55-2",
            "label": "db1",
        },
        {"update_label": {"label": "db1b"}},
    ),
    "DatabaseUser": Recorded(
        "vultr:index/databaseUser:DatabaseUser",
        {"databaseId": "database_id", "username": "app", "password": "s3cret-EXAMPLE"},
        {"update_password": {"password": "s3cret2-EXAMPLE"}},
    ),
    "ObjectStorage": Recorded(
        "vultr:index/objectStorage:ObjectStorage",
        {"clusterId": 9, "tierId": 2, "label": "o1"},
        {"update_label": {"label": "o1b"}},
    ),
}


class Life:
    """One resource as the CLI leads it: what it knows of it, and what the provider calls."""

    def __init__(
        self, provider: Provider, server: Server, waits: list[float], resource: str, **inputs: Any
    ) -> None:
        self.provider, self.server, self.waits, self.resource = provider, server, waits, resource
        self.type = RESOURCES[resource].type
        self.urn = urn(self.type)
        self.given = dict(inputs or RESOURCES[resource].inputs)
        self.inputs: dict[str, Any] = {}
        self.state = State("", {})
        self._base: Any = None

    def checked(self, **changes: Any) -> dict[str, Any]:
        """The inputs with these changes; None takes one away."""
        self.given = {key: value for key, value in (self.given | changes).items() if value is not None}
        result = self.provider.check(self.type, self.urn, self.inputs, self.given, b"")
        assert result.failures == ()
        return result.inputs

    def create(self) -> None:
        self.inputs = self.checked()
        self.state = self.provider.create(self.type, self.urn, self.inputs)

    def diff(self, **changes: Any) -> DiffResult:
        news = self.checked(**changes)
        return self.provider.diff(self.type, self.urn, self.state.id, self.inputs, self.state.outputs, news)

    def update(self, **changes: Any) -> None:
        """As planned: without a difference nothing is called."""
        news = self.checked(**changes)
        known = (self.type, self.urn, self.state.id, self.inputs, self.state.outputs)
        diff = self.provider.diff(*known, news)
        assert diff.replaces == ()
        if diff.changes:
            outputs = self.provider.update(*known, news).outputs
            self.state = State(self.state.id, outputs)
        self.inputs = news

    def sent(self, **changes: Any) -> list[Call]:
        """The calls of an update but its reads."""
        self.server.taken()
        self.update(**changes)
        return [call for call in self.server.taken() if call.method != "GET"]

    def finish(self) -> None:
        """The update that follows on a failure although nothing differs: the CLI asks for it."""
        known = (self.type, self.urn, self.state.id, self.inputs, self.state.outputs)
        assert not self.provider.diff(*known, self.inputs).changes
        self.state = State(self.state.id, self.provider.update(*known, self.inputs).outputs)

    def failing(self, act: Callable[[], object]) -> str:
        """Why it failed; what is recorded of it is remembered."""
        try:
            act()
        except PartialFailure as failure:
            self.state = failure.state
            return failure.reasons[0]
        raise AssertionError("it did not fail in part")

    def refresh(self) -> State:
        """What is found; it is remembered."""
        known = (self.type, self.urn, self.state.id, self.inputs, self.state.outputs)
        self.state = found = self.provider.read(*known)
        self.inputs = found.inputs
        return found

    def delete(self) -> None:
        self.provider.delete(self.type, self.urn, self.state.id, self.inputs, self.state.outputs)

    def plays(
        self, operation: str, act: Callable[[], Any], ids: Mapping[str, str] | None = None, only: str = "."
    ) -> None:
        """What `act` calls is what was recorded of the operation, also where it fails."""
        recording = Recording(self.resource, operation, ids or {}, only, self._base)
        try:
            with playing(self.server, self.waits, recording):
                act()
        except PartialFailure as failure:
            self.state = failure.state
            raise
        finally:
            self._base = recording.base


@contextmanager
def playing(server: Server, waits: list[float], recording: Recording) -> Iterator[None]:
    """What is called in this block is what was recorded, also where it fails."""
    server.taken()
    waits.clear()
    server.behaviour = recording.answer
    try:
        yield
    finally:
        made_as_recorded(recording, server.taken())
