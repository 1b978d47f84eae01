"""`minio:index/iamServiceAccount:IamServiceAccount`: a pair of keys that acts for a user, within a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.minio.client import MinioServer, NotThereError, doing
from lab.providers.minio.iam import new_secret
from lab.providers.minio.policies import EMPTY, equivalent, invalid
from lab.providers.protocol import Properties

TYPE: Final = "minio:index/iamServiceAccount:IamServiceAccount"


class IamServiceAccount(BridgedResource):
    """A service account; the server makes its keys, and only its creation tells the secret one."""

    completed = ("disableUser",)
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "targetUser": Attribute(required=True, replaces=True),
        "disableUser": Attribute(Kind.BOOL, default=False),
        "updateSecret": Attribute(Kind.BOOL, default=False),
        "status": Attribute(output_only=True),
        "secretKey": Attribute(output_only=True, secret=True),
        "accessKey": Attribute(output_only=True),
        "policy": Attribute(valid=invalid("policy"), suppress=equivalent),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: dict[str, Any]) -> str:
        user = str(wanted["targetUser"])
        with doing("error creating service account", user):
            keys = self._server.admin.add_service_account_for(user, _policy(wanted))
        wanted["accessKey"], wanted["secretKey"] = keys["accessKey"], keys["secretKey"]
        return keys["accessKey"]

    def begun(self, wanted: Properties) -> str | None:
        """Nobody has the secret key of what was left: accounts with just this policy go, and a new one is made."""
        user = str(wanted["targetUser"])
        with doing("error listing service accounts", user):
            listed = json.loads(self._server.admin.list_service_account(user)).get("accounts") or []
        for account in listed:
            found = self.fetch(account["accessKey"], {})
            if found and wanted["policy"] and equivalent(found[1]["policy"], wanted["policy"]):
                self.remove(account["accessKey"], {})
        return None

    def complete(self, id_: str, wanted: Properties) -> None:
        if wanted["disableUser"]:
            with doing("error disabling service account", id_):
                self._server.admin.update_service_account(access_key=id_, status="off")

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        if wanted["updateSecret"]:
            wanted["secretKey"] = new_secret()
        renewed = wanted["secretKey"] if wanted["updateSecret"] else None
        with doing("error updating service account", id_):
            self._server.admin.update_service_account(
                access_key=id_,
                secret_key=renewed,
                policy=_policy(wanted),
                status="off" if wanted["disableUser"] else "on",
            )
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("error deleting service account %s: %s", id_):
                self._server.admin.delete_service_account(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            with doing("error reading service account %s: %s", id_):
                info = json.loads(self._server.admin.get_service_account(id_))
        except NotThereError:
            return None
        return id_, {
            "accessKey": known.get("accessKey") or id_,
            "status": info["accountStatus"],
            "disableUser": info["accountStatus"] == "off",
            "targetUser": info["parentUser"],
            "policy": info.get("policy") or "",
        }


def _policy(wanted: Properties) -> dict[str, Any]:
    return json.loads(wanted["policy"]) if wanted["policy"] else EMPTY
