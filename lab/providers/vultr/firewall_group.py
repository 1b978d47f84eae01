"""`vultr:index/firewallGroup:FirewallGroup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.resource import VultrResource, saying, text

TYPE: Final = "vultr:index/firewallGroup:FirewallGroup"


class FirewallGroup(VultrResource):
    """What its rules let in to the instances that name it."""

    path, wrapper = "/firewalls", "firewall_group"
    fields: ClassVar = {
        "description": str,
        "date_created": str,
        "date_modified": str,
        "instance_count": int,
        "rule_count": int,
        "max_rule_count": int,
    }
    gone, unread = '"status":404', "error getting firewall group {id} : "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "description": Attribute(default=""),
        "dateCreated": Attribute(output_only=True),
        "dateModified": Attribute(output_only=True),
        "instanceCount": Attribute(Kind.INT, output_only=True),
        "ruleCount": Attribute(Kind.INT, output_only=True),
        "maxRuleCount": Attribute(Kind.INT, output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        with saying("error creating firewall group: "):
            return str(self.make(_body(wanted))["id"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        with saying(f"error updating firewall group {id_} : "):
            self._api.tell("PUT", self.place(id_, old), _body(wanted))
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying firewall group {id_}: "):
            self._api.tell("DELETE", self.place(id_, old))


def _body(wanted: Properties) -> dict[str, Any]:
    return {"description": text(wanted["description"])}
