"""`vultr:index/objectStorage:ObjectStorage`: a subscription of object storage, with its pair of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import decoded, unwrapped
from lab.providers.vultr.resource import VultrResource, filled, saying
from lab.providers.vultr.waiting import until

TYPE: Final = "vultr:index/objectStorage:ObjectStorage"
_SHOWN: Final = Attribute(output_only=True)
_SECRET: Final = Attribute(output_only=True, secret=True)


class ObjectStorage(VultrResource):
    """No text of an error means that it is gone: a read of one that was deleted fails. Its tier is never read."""

    path, wrapper = "/object-storage", "object_storage"
    fields: ClassVar = {
        "date_created": str,
        "cluster_id": int,
        "region": str,
        "location": str,
        "label": str,
        "status": str,
        "s3_hostname": str,
        "s3_access_key": str,
        "s3_secret_key": str,
    }
    gone, unread = "\0", "error getting object storage account: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "clusterId": Attribute(Kind.INT, required=True, replaces=True),
        "tierId": Attribute(Kind.INT, required=True, replaces=True),
        "label": Attribute(),
        "dateCreated": _SHOWN,
        "region": _SHOWN,
        "location": _SHOWN,
        "status": _SHOWN,
        "s3Hostname": _SHOWN,
        "s3AccessKey": _SECRET,
        "s3SecretKey": _SECRET,
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {"cluster_id": wanted["clusterId"], "tier_id": wanted["tierId"]}
        with saying("error creating object storage: "):
            made = self.make({**body, **filled({"label": wanted["label"]})})
        return str(made["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        with saying(f"error while waiting for Object Storage {id_} to be in an active state: "):
            until(self._api, lambda: self._status(id_), "active", ("pending",))

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        if "label" in changed:
            with saying(f"error updating object storage {id_} label: "):
                self._api.tell("PUT", self.place(id_, old), {"label": wanted["label"] or ""})
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error deleting object storage {id_}: "):
            self._api.tell("DELETE", self.place(id_, old))

    def _status(self, id_: str) -> str:
        with saying(f"error retrieving object storage {id_} : "):
            answer = unwrapped(self._api.get(self.place(id_, {})), self.wrapper)
            return str(decoded(answer, {"status": str}, self.wrapper)["status"])
