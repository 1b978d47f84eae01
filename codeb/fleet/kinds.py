"""What a fleet is made of at Vultr: one line a kind, shared by comparison, API client and commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """A kind of resource: how people, the API and Pulumi call it.

    Attributes:
        name: the kind in words, and in the JSON of the commands.
        type: Pulumi's type token.
        path: of the API's list; `{within}` is the firewall group or the zone that it is part of.
        items, item: keys of the API's answers for the list and for one; "" where one comes without a wrapper.
        label: the field that carries the owner's mark, or the name; the same in the state's inputs but for its spelling.
        within: the state's input that says which group or zone it is part of.
        holds_data: whether something is lost with it that no run can make again.
    """

    name: str
    type: str
    path: str
    items: str
    item: str
    label: str
    label_input: str
    within: str = ""
    holds_data: bool = False


SERVER: Final = Kind(
    "server", "vultr:index/instance:Instance", "/instances", "instances", "instance", "label", "label"
)
BALANCER: Final = Kind(
    "balancer", "vultr:index/loadBalancer:LoadBalancer", "/load-balancers", "load_balancers", "load_balancer", "label",
    "label",
)  # fmt: skip
RECORD: Final = Kind(
    "DNS record", "vultr:index/dnsRecord:DnsRecord", "/domains/{within}/records", "records", "record", "name", "name",
    within="domain",
)  # fmt: skip
ADDRESS: Final = Kind(
    "reserved IP",
    "vultr:index/reservedIp:ReservedIp",
    "/reserved-ips",
    "reserved_ips",
    "reserved_ip",
    "label",
    "label",
)
DISK: Final = Kind(
    "data disk",
    "vultr:index/blockStorage:BlockStorage",
    "/blocks",
    "blocks",
    "block",
    "label",
    "label",
    holds_data=True,
)
SHARE: Final = Kind(
    "shared storage", "vultr:index/virtualFileSystemStorage:VirtualFileSystemStorage", "/vfs", "vfs", "", "label", "label",
    holds_data=True,
)  # fmt: skip
DATABASE: Final = Kind(
    "managed database", "vultr:index/database:Database", "/databases", "databases", "database", "label", "label",
    holds_data=True,
)  # fmt: skip
OBJECTS: Final = Kind(
    "object storage", "vultr:index/objectStorage:ObjectStorage", "/object-storage", "object_storages", "object_storage",
    "label", "label", holds_data=True,
)  # fmt: skip
RULE: Final = Kind(
    "firewall rule", "vultr:index/firewallRule:FirewallRule", "/firewalls/{within}/rules", "firewall_rules",
    "firewall_rule", "notes", "notes", within="firewallGroupId",
)  # fmt: skip
FIREWALL: Final = Kind(
    "firewall group", "vultr:index/firewallGroup:FirewallGroup", "/firewalls", "firewall_groups", "firewall_group",
    "description", "description",
)  # fmt: skip
NETWORK: Final = Kind("VPC", "vultr:index/vpc:Vpc", "/vpcs", "vpcs", "vpc", "description", "description")
KEY: Final = Kind("SSH key", "vultr:index/sSHKey:SSHKey", "/ssh-keys", "ssh_keys", "ssh_key", "name", "name")

KINDS: Final = (
    BALANCER,
    RECORD,
    ADDRESS,
    SERVER,
    DISK,
    SHARE,
    DATABASE,
    OBJECTS,
    RULE,
    FIREWALL,
    NETWORK,
    KEY,
)
"""In the order in which they can be removed: what uses another comes before it."""

_MACHINE: Final = re.compile(r"\.[0-9a-f]{8}$")
"""The end of a disk's label that changes with the machine (`codeb.names.disk_label`); older disks have none."""


def role_of(kind: Kind, label: str) -> str:
    """What stays the same in a label for as long as the resource has its purpose."""
    return _MACHINE.sub("", label) if kind is DISK else label


BY_TYPE: Final = {kind.type: kind for kind in KINDS}
BY_NAME: Final = {kind.name: kind for kind in KINDS}
