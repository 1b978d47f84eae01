"""`vultr:index/vpc:Vpc`."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.resource import REGION, VultrResource, saying, text, wrong_address
from lab.providers.vultr.waiting import again_while

TYPE: Final = "vultr:index/vpc:Vpc"


class Vpc(VultrResource):
    """A private network of one region."""

    path, wrapper = "/vpcs", "vpc"
    fields: ClassVar = {
        "region": str,
        "description": str,
        "v4_subnet": str,
        "v4_subnet_mask": int,
        "date_created": str,
    }
    gone, unread = "Invalid VPC ID", "error getting VPC: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "region": REGION,
        "description": Attribute(default=""),
        "v4Subnet": Attribute(
            computed=True, replaces=True, valid=wrong_address("v4_subnet", "IPv4 address", IPv4Address)
        ),
        "v4SubnetMask": Attribute(Kind.INT, computed=True, replaces=True),
        "dateCreated": Attribute(output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {
            "region": text(wanted["region"]),
            "description": text(wanted["description"]),
            "v4_subnet": text(wanted["v4Subnet"]),
            "v4_subnet_mask": wanted["v4SubnetMask"] or 0,
        }
        with saying("error creating VPC: "):
            return str(self.make(body)["id"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        with saying("error updating VPC: "):
            self._api.tell("PUT", self.place(id_, old), {"description": text(wanted["description"])})
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        """As long as something is attached, it is tried again."""
        with saying(f"error destroying VPC ({id_}): "):
            again_while(
                self._api,
                lambda: self._api.tell("DELETE", self.place(id_, old)),
                "attached to this VPC network",
                "cannot remove attached VPC: ",
            )
