"""`vultr:index/reservedIp:ReservedIp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import PanicError
from lab.providers.vultr.resource import REGION, VultrResource, filled, saying, text

TYPE: Final = "vultr:index/reservedIp:ReservedIp"


class ReservedIp(VultrResource):
    """An address that stays when its instance goes. It is attached by its creation, and once more after it."""

    path, wrapper = "/reserved-ips", "reserved_ip"
    fields: ClassVar = {
        "region": str,
        "ip_type": str,
        "subnet": str,
        "subnet_size": int,
        "label": str,
        "instance_id": str,
    }
    gone, unread = "Invalid reserved-ip ID", "error getting Reserved IPs: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "region": REGION,
        "ipType": Attribute(required=True, replaces=True, choices=("v4", "v6")),
        "label": Attribute(default=""),
        "instanceId": Attribute(computed=True),
        "subnet": Attribute(output_only=True),
        "subnetSize": Attribute(Kind.INT, output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        names = {"region": "region", "ipType": "ip_type", "label": "label", "instanceId": "instance_id"}
        with saying("error creating reserved IP: "):
            made = self.make(filled({name: wanted[key] for key, name in names.items()}))
        return str(made["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        if instance := wanted["instanceId"]:
            with saying(f"error attaching reserved IP: {id_} {instance} : "):
                self._attach(id_, instance)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        """Here alone an answer without its wrapper means that it is gone."""
        try:
            return super().fetch(id_, known)
        except PanicError:
            return None

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        if "instanceId" in changed:
            self._move(id_, old, text(wanted["instanceId"]))
        if "label" in changed:
            with saying(f"error updating reserved IP {id_} : "):
                self._api.ask("PATCH", self.place(id_, old), {"label": text(wanted["label"])})
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying Reserved IP ({id_}): "):
            self._api.tell("DELETE", self.place(id_, old))

    def _move(self, id_: str, old: Properties, instance: str) -> None:
        if old.get("instanceId"):
            with saying(f"error detaching Reserved IP ({id_}): "):
                self._api.tell("POST", f"{self.place(id_, old)}/detach")
        if instance:
            with saying(f"error attaching Reserved IP ({id_}): "):
                self._attach(id_, instance)

    def _attach(self, id_: str, instance: str) -> None:
        self._api.tell("POST", f"{self.place(id_, {})}/attach", {"instance_id": instance})
