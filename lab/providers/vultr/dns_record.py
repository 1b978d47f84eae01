"""`vultr:index/dnsRecord:DnsRecord`: whatever goes wrong when one is read, it counts as gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.resource import Member, filled, saying, text

TYPE: Final = "vultr:index/dnsRecord:DnsRecord"
_TYPES: Final = ("A", "AAAA", "CNAME", "NS", "MX", "SRV", "TXT", "CAA", "SSHFP")


class DnsRecord(Member):
    """A record of a zone that Vultr hosts."""

    path, members, owner, wrapper = "/domains", "records", "domain", "record"
    fields: ClassVar = {"type": str, "name": str, "data": str, "priority": int, "ttl": int}
    gone, unread = "", ""
    import_form, not_found = "domain,resourceID", "DNS record not found for domain {owner}"
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "data": Attribute(required=True),
        "domain": Attribute(required=True, replaces=True),
        "name": Attribute(required=True, auto_name=True),
        "type": Attribute(required=True, replaces=True, choices=_TYPES),
        "priority": Attribute(Kind.INT),
        "ttl": Attribute(Kind.INT, default=3600),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = _body(wanted) | filled({"type": wanted["type"]})
        with saying("error creating DNS record : "):
            return str(self.make(body, self.all_of(wanted))["id"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        with saying(f"error updating DNS record {id_} : "):
            self._api.tell("PATCH", self.place(id_, wanted), _body(wanted))
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error deleting dns record {id_} : "):
            self._api.tell("DELETE", self.place(id_, old))


def _body(wanted: Properties) -> dict[str, Any]:
    always = {"name": text(wanted["name"]), "priority": wanted["priority"] or 0}
    return always | filled({"data": wanted["data"], "ttl": wanted["ttl"]})
