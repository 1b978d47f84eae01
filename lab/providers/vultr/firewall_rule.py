"""`vultr:index/firewallRule:FirewallRule`: nothing of it can be changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import Member, filled, saying, wrong_address

TYPE: Final = "vultr:index/firewallRule:FirewallRule"


class FirewallRule(Member):
    """What is let in, from where. Its id is a number that is unique in its group only."""

    path, members, owner, wrapper = "/firewalls", "rules", "firewallGroupId", "firewall_rule"
    id_kind = int
    fields: ClassVar = {
        "ip_type": str,
        "protocol": str,
        "subnet": str,
        "subnet_size": int,
        "notes": str,
        "port": str,
        "source": str,
    }
    gone, unread = "Firewall rule ID not found", "error getting firewall rule {firewallGroupId}: "
    import_form = "firewallGroupID,firewallRuleID"
    not_found = "firewall Rule {id} not found for firewall group {owner}"
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "firewallGroupId": Attribute(required=True, replaces=True),
        "ipType": Attribute(required=True, replaces=True, choices=("v4", "v6")),
        "protocol": Attribute(
            required=True, replaces=True, choices=("icmp", "tcp", "udp", "gre", "ah", "esp")
        ),
        "subnet": Attribute(required=True, replaces=True, valid=wrong_address("subnet")),
        "subnetSize": Attribute(Kind.INT, required=True, replaces=True),
        "port": Attribute(replaces=True, default=""),
        "source": Attribute(replaces=True, default="", choices=("", "cloudflare")),
        "notes": Attribute(replaces=True, default=""),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {
            "ip_type": wanted["ipType"],
            "protocol": wanted["protocol"],
            "subnet": wanted["subnet"],
            "subnet_size": wanted["subnetSize"] or 0,
        } | filled({key: wanted[key] for key in ("port", "source", "notes")})
        with saying("error creating firewall rule : "):
            return str(self.make(body, self.all_of(wanted))["id"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        """Only asked for a rule whose creation was not finished."""
        raise ApiError("doesn't support update")

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying firewall rule {id_}: "):
            self._api.tell("DELETE", self.place(id_, old))
