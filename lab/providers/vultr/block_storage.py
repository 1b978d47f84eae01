"""`vultr:index/blockStorage:BlockStorage`: attached once it is active; a deletion does not detach it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import decoded, unwrapped
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import REGION, VultrResource, filled, saying
from lab.providers.vultr.waiting import until

TYPE: Final = "vultr:index/blockStorage:BlockStorage"
_LOOKS: Final = 31
"""So often it is looked whether it is active, a second apart, before it is attached."""


class BlockStorage(VultrResource):
    """A disk that outlives the instance it is attached to."""

    path, wrapper = "/blocks", "block"
    fields: ClassVar = {
        "date_created": str,
        "cost": float,
        "status": str,
        "size_gb": int,
        "region": str,
        "attached_to_instance": str,
        "label": str,
        "mount_id": str,
        "block_type": str,
    }
    gone, unread = "Invalid block storage ID", "error getting block storage: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "sizeGb": Attribute(Kind.INT, required=True),
        "region": REGION,
        "attachedToInstance": Attribute(),
        "label": Attribute(default=""),
        "live": Attribute(Kind.BOOL, default=False),
        "dateCreated": Attribute(output_only=True),
        "cost": Attribute(Kind.FLOAT, output_only=True),
        "status": Attribute(output_only=True),
        "mountId": Attribute(output_only=True),
        "blockType": Attribute(computed=True, replaces=True, choices=("storage_opt", "high_perf")),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {"region": wanted["region"], "size_gb": wanted["sizeGb"]}
        with saying("error creating block storage: "):
            made = self.make(body | filled({"label": wanted["label"], "block_type": wanted["blockType"]}))
        return str(made["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        with saying(f"error while waiting for block {id_} to be completed: "):
            until(self._api, lambda: self._looked(id_), "active", ("pending",))
        if not wanted["attachedToInstance"]:
            return
        with saying("error attaching: "):
            ready = any(self._is_active(id_, look) for look in range(_LOOKS))
        if not ready:
            raise ApiError("block storage was not in ready state after 30 seconds")
        self._attach(id_, wanted)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        """How it was attached is not told; that stays as it is known."""
        found = super().fetch(id_, known)
        return found and (found[0], found[1] | {"live": bool(known.get("live"))})

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        names = {"sizeGb": "size_gb", "label": "label"}
        body = filled({name: wanted[key] for key, name in names.items() if key in changed})
        with saying("error getting block storage: "):
            self._api.tell("PATCH", self.place(id_, old), body)
        if "attachedToInstance" in changed:
            if old.get("attachedToInstance"):
                self._detach(id_, wanted)
            if wanted["attachedToInstance"]:
                self._attach(id_, wanted)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error deleting block storage ({id_}): "):
            self._api.tell("DELETE", self.place(id_, old))

    def _looked(self, id_: str) -> str:
        with saying(f"error retrieving block {id_} : "):
            return str(self._now(id_)["status"])

    def _is_active(self, id_: str, look: int) -> bool:
        if look:
            self._api.wait(1)
        return bool(self._now(id_)["status"] == "active")

    def _now(self, id_: str) -> dict[str, Any]:
        answer = unwrapped(self._api.get(self.place(id_, {})), self.wrapper)
        return decoded(answer, {"status": str, "attached_to_instance": str}, self.wrapper)

    def _attach(self, id_: str, wanted: Properties) -> None:
        body = {"instance_id": wanted["attachedToInstance"], "live": bool(wanted["live"])}
        with saying(f"error attaching block storage ({id_}): "):
            self._api.tell("POST", f"{self.place(id_, wanted)}/attach", body)

    def _detach(self, id_: str, wanted: Properties) -> None:
        """Unless its instance is gone and it is detached by that."""
        with saying("error getting block storage: "):
            attached = self._now(id_)["attached_to_instance"]
        if attached:
            with saying(f"error detaching block storage ({id_}): "):
                self._api.tell("POST", f"{self.place(id_, wanted)}/detach", {"live": bool(wanted["live"])})
