"""Users, policies and their attachment: `minio:index/iam{User,Policy,UserPolicyAttachment}:…`."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.minio.client import MinioServer, NotThereError, doing
from lab.providers.minio.names import invalid_policy_name, invalid_user, unique_id
from lab.providers.minio.policies import equivalent, invalid
from lab.providers.protocol import Properties, ProviderError

USER: Final = "minio:index/iamUser:IamUser"
POLICY: Final = "minio:index/iamPolicy:IamPolicy"
ATTACHMENT: Final = "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment"
_SECRET_BYTES: Final = 40


def new_secret() -> str:
    """A secret key as the plugin makes them: 40 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class IamUser(BridgedResource):
    """A user; its secret is generated where none is given."""

    completed = ("disableUser",)
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute(required=True, auto_name=True, replaces=True, valid=invalid_user),
        "forceDestroy": Attribute(Kind.BOOL, default=False),
        "disableUser": Attribute(Kind.BOOL, default=False),
        "updateSecret": Attribute(Kind.BOOL, default=False),
        "status": Attribute(output_only=True),
        "secret": Attribute(computed=True, secret=True),
        "tags": Attribute(Kind.MAP),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: dict[str, Any]) -> str:
        name = str(wanted["name"])
        wanted["secret"] = wanted["secret"] or new_secret()
        with doing("error creating user", name):
            self._server.admin.user_add(name, wanted["secret"])
        return name

    def complete(self, id_: str, wanted: Properties) -> None:
        if wanted["disableUser"]:
            with doing("error disabling IAM User", id_):
                self._server.admin.user_disable(id_)

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        if wanted["updateSecret"]:
            wanted["secret"] = new_secret()
        with doing("error updating IAM User", id_):
            if wanted["secret"] != old.get("secret"):
                self._server.admin.user_add(id_, wanted["secret"])
            if wanted["disableUser"]:
                self._server.admin.user_disable(id_)
            else:
                self._server.admin.user_enable(id_)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("error deleting IAM User %s: %s", id_):
                self._server.admin.user_remove(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            with doing("error reading IAM User", id_):
                info = json.loads(self._server.admin.user_info(id_))
        except NotThereError:
            return None
        return id_, {"name": known.get("name") or id_, "status": info["status"]}


class IamPolicy(BridgedResource):
    """A named policy."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "policy": Attribute(required=True, valid=invalid("policy"), suppress=equivalent),
        "name": Attribute(
            computed=True, auto_name=True, replaces=True, conflicts=("namePrefix",), valid=invalid_policy_name
        ),
        "namePrefix": Attribute(replaces=True, conflicts=("name",), valid=invalid_policy_name),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        name = str(wanted["name"] or unique_id(wanted["namePrefix"] or "terraform-"))
        with doing("unable to create policy", name):
            self._server.admin.policy_add(name, policy=json.loads(wanted["policy"]))
        return name

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        with doing("unable to update policy", id_):
            self._server.admin.policy_add(id_, policy=json.loads(wanted["policy"]))
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("unable to delete policy", id_):
                self._server.admin.policy_remove(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            with doing("unable to read policy", id_):
                document = self._server.admin.policy_info(id_)
        except NotThereError:
            return None
        return id_, {"name": id_, "policy": document.strip()}


class IamUserPolicyAttachment(BridgedResource):
    """One policy of a user. The server keeps all of a user's policies in one list, so changes take turns."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "policyName": Attribute(required=True, replaces=True, valid=invalid_policy_name),
        "userName": Attribute(required=True, replaces=True, valid=invalid_user),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def insert(self, wanted: Properties) -> str:
        user, policy = str(wanted["userName"]), str(wanted["policyName"])
        with self._turns[user]:
            policies = self._policies(user)
            if policy not in policies:
                with doing("unable to Set User policy", f"{user} {policy}"):
                    self._server.admin.policy_set(",".join([*policies, policy]), user=user)
        return unique_id(f"{user}-")

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        raise ProviderError("a policy attachment has nothing to update: every change replaces it")

    def remove(self, id_: str, old: Properties) -> None:
        user, policy = str(old["userName"]), str(old["policyName"])
        with self._turns[user]:
            try:
                policies = self._policies(user)
            except NotThereError:
                return
            if policy in policies:
                left = ",".join(item for item in policies if item != policy)
                with doing("unable to delete user policy", user):
                    self._server.admin.policy_set(left, user=user)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        user, policy = known.get("userName"), known.get("policyName")
        if not user or not policy:
            user, _, policy = id_.partition("/")
            if not user or not policy:
                raise ProviderError(f'unexpected format of ID ("{id_}"), expected <user-name>/<policy_name>')
            id_ = unique_id(f"{user}-")
        try:
            attached = policy in self._policies(user)
        except NotThereError:
            return None
        return (id_, {"userName": user, "policyName": policy}) if attached else None

    def _policies(self, user: str) -> list[str]:
        with doing("failed to load user Infos", user):
            names = json.loads(self._server.admin.user_info(user)).get("policyName") or ""
        return [name for name in str(names).split(",") if name]
