"""`vultr:index/virtualFileSystemStorage:VirtualFileSystemStorage`: file storage that several instances may have at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import decoded, pulumi_name
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import REGION, VultrResource, filled, missing_from, saying, set_order, text
from lab.providers.vultr.waiting import again_while, until

TYPE: Final = "vultr:index/virtualFileSystemStorage:VirtualFileSystemStorage"
_NAME: Final = "virtual file system storage"
_ATTACHED: Final = "Can not delete this subscription until it is detatched from all machines"
"""The API's words, spelt so."""

_SHOWN: Final = Attribute(output_only=True)


class VirtualFileSystemStorage(VultrResource):
    """File storage. Its answers have no wrapper, and the type of its disks is never sent."""

    path, wrapper = "/vfs", ""
    fields: ClassVar = {
        "region": str,
        "label": str,
        "tags": list,
        "date_created": str,
        "status": str,
        "disk_type": str,
    }
    gone, unread = "Subscription ID Not Found.", f"error getting {_NAME}: "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "region": REGION,
        "sizeGb": Attribute(Kind.INT, required=True),
        "label": Attribute(required=True),
        "tags": Attribute(Kind.SET, replaces=True),
        "attachedInstances": Attribute(Kind.SET),
        "diskType": Attribute(default="nvme"),
        "status": _SHOWN,
        "dateCreated": _SHOWN,
        "cost": Attribute(Kind.FLOAT, output_only=True),
        "charges": Attribute(Kind.FLOAT, output_only=True),
        "attachments": Attribute(
            Kind.LIST,
            output_only=True,
            elements={
                "instanceId": _SHOWN,
                "state": _SHOWN,
                "mount": Attribute(Kind.INT, output_only=True),
            },
        ),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {
            "region": wanted["region"],
            "label": wanted["label"],
            "storage_size": {"gb": wanted["sizeGb"]},
            **filled({"tags": set_order(wanted["tags"] or ())}),
        }
        with saying(f"error creating {_NAME}: "):
            return text(self._api.ask("POST", self.path, body).get("id"))

    def complete(self, id_: str, wanted: Properties) -> None:
        with saying(f"error while waiting for {_NAME} {id_} to be completed: "):
            until(self._api, lambda: self._status(id_), "active", ("pending",))
        for instance in set_order(wanted["attachedInstances"] or ()):
            with saying(f"error attaching {_NAME} {id_} to instance {instance} : "):
                self._api.ask("PUT", self._attachment(id_, instance))

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        found = super().fetch(id_, known)
        if found is None:
            return None
        try:
            attachments = self._attachments(id_)
        except ApiError as error:
            raise ApiError(f"unable to retrieve attachments for {_NAME} {id_}") from error
        return id_, found[1] | {
            "attachedInstances": [each["target_id"] for each in attachments],
            "attachments": [
                {"instanceId": each["target_id"], "state": each["state"], "mount": each["mount_tag"]}
                for each in attachments
            ],
        }

    def found(self, answer: Any) -> dict[str, Any]:
        values = {pulumi_name(name): value for name, value in decoded(answer, self.fields, "").items()}
        size = decoded(answer.get("storage_size"), {"gb": int}, "storage_size")
        costs = decoded(answer.get("billing"), {"monthly": float, "charges": float}, "billing")
        return values | {"sizeGb": size["gb"], "cost": costs["monthly"], "charges": costs["charges"]}

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        """The size is always sent: zero where it stays."""
        body = filled({"label": wanted["label"] if "label" in changed else None})
        body["storage_size"] = {"gb": wanted["sizeGb"] if "sizeGb" in changed else 0}
        with saying(f"error updating {_NAME} : "):
            self._api.ask("PUT", self.place(id_, old), body)
        if "attachedInstances" in changed:
            self._reattach(id_, old.get("attachedInstances") or (), wanted["attachedInstances"] or ())
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        try:
            attachments = self._attachments(id_)
        except ApiError as error:
            raise ApiError(f"unable to retrieve attachments for {_NAME} {id_} during deletion") from error
        for instance in (each["target_id"] for each in attachments):
            with saying(f"error detaching instance {instance} from {_NAME} {id_} during deletion: "):
                self._api.tell("DELETE", self._attachment(id_, instance))
        with saying(f"error destroying {_NAME} {id_}: "):
            again_while(
                self._api,
                lambda: self._api.tell("DELETE", self.place(id_, old)),
                _ATTACHED,
                f"{_NAME} is still attached: ",
            )

    def _reattach(self, id_: str, old: Any, new: Any) -> None:
        before, after = set_order(old), set_order(new)
        for instance in missing_from(after, before):
            try:
                self._api.tell("DELETE", self._attachment(id_, instance))
            except ApiError as error:
                raise ApiError(f"error detaching instance {instance} from {_NAME} {id_}") from error
        for instance in missing_from(before, after):
            try:
                self._api.ask("PUT", self._attachment(id_, instance))
            except ApiError as error:
                raise ApiError(f"error attaching instance {instance} to {_NAME} {id_}") from error

    def _attachment(self, id_: str, instance: str) -> str:
        return f"{self.place(id_, {})}/attachments/{instance}"

    def _attachments(self, id_: str) -> list[dict[str, Any]]:
        answer = self._api.get(f"{self.place(id_, {})}/attachments")
        fields = {"target_id": str, "state": str, "mount_tag": int}
        return [decoded(each, fields, "attachments") for each in answer.get("attachments") or ()]

    def _status(self, id_: str) -> str:
        with saying(f"error retrieving {_NAME} {id_} : "):
            return str(decoded(self._api.get(self.place(id_, {})), {"status": str}, "")["status"])
