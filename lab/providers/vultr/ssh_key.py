"""`vultr:index/sSHKey:SSHKey`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute
from lab.providers.protocol import Properties
from lab.providers.vultr.resource import VultrResource, filled, saying, text

TYPE: Final = "vultr:index/sSHKey:SSHKey"


class SSHKey(VultrResource):
    """A public key that instances are created with."""

    path, wrapper = "/ssh-keys", "ssh_key"
    fields: ClassVar = {"name": str, "ssh_key": str, "date_created": str}
    gone, unread = "Invalid ssh key", "error getting SSH keys: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute(required=True, auto_name=True),
        "sshKey": Attribute(required=True),
        "dateCreated": Attribute(output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = filled({"name": text(wanted["name"]), "ssh_key": text(wanted["sshKey"])})
        with saying("error creating SSH key: "):
            return str(self.make(body)["id"])

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        names = {"name": "name", "sshKey": "ssh_key"}
        body = filled({name: wanted[key] for key, name in names.items() if key in changed})
        with saying(f"error updating SSH key ({id_}): "):
            self._api.tell("PATCH", self.place(id_, old), body)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying SSH key ({id_}): "):
            self._api.tell("DELETE", self.place(id_, old))
