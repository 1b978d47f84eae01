"""`vultr:index/dnsDomain:DnsDomain`: its name is its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute
from lab.providers.protocol import Properties
from lab.providers.vultr.resource import VultrResource, filled, not_empty, saying, wrong_address

TYPE: Final = "vultr:index/dnsDomain:DnsDomain"


class DnsDomain(VultrResource):
    """A zone that Vultr hosts; with an address given, Vultr makes first records by itself."""

    path, wrapper = "/domains", "domain"
    fields: ClassVar = {"domain": str, "date_created": str, "dns_sec": str}
    gone, unread = "Invalid domain", "error getting domains : "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "domain": Attribute(required=True, replaces=True, valid=not_empty("domain")),
        "ip": Attribute(replaces=True, valid=wrong_address("ip")),
        "dnsSec": Attribute(default="disabled", choices=("disabled", "enabled")),
        "dateCreated": Attribute(output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {"domain": wanted["domain"], "ip": wanted["ip"], "dns_sec": wanted["dnsSec"]}
        with saying("error while creating domain : "):
            return str(self.make(filled(body))["domain"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        with saying(f"error updating domain {id_}: "):
            self._api.tell("PUT", self.place(id_, old), {"dns_sec": wanted["dnsSec"]})
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying domain {id_}: "):
            self._api.tell("DELETE", self.place(id_, old))
