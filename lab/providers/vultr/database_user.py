"""`vultr:index/databaseUser:DatabaseUser`: who may log in to a managed database; the plugin marks no password as a secret.

Rules of a Valkey user (`accessControl`) are sent in a call of their own after the one that makes him. They are sets:
whatever order they are written in, they go out in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr.answers import decoded, pulumi_name, unwrapped
from lab.providers.vultr.resource import VultrResource, filled, saying, set_order

TYPE: Final = "vultr:index/databaseUser:DatabaseUser"
_RULES: Final = ("acl_categories", "acl_channels", "acl_commands", "acl_keys")
_ENCRYPTION: Final = {"Legacy (MySQL 5.x)": "mysql_native_password"}
_OPTIONAL: Final = Attribute(computed=True)
_SHOWN: Final = Attribute(output_only=True)


class DatabaseUser(VultrResource):
    """Its id is its name, below its database: no word of an error means that it is gone."""

    path, wrapper = "/databases", "user"
    fields: ClassVar = {
        "username": str,
        "password": str,
        "permission": str,
        "access_key": str,
        "access_cert": str,
    }
    gone, unread = "\0", "error getting database user ({id}): "
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "databaseId": Attribute(required=True, replaces=True),
        "username": Attribute(required=True),
        "password": _OPTIONAL,
        "encryption": _OPTIONAL,
        "permission": _OPTIONAL,
        "accessControl": Attribute(
            Kind.SET,
            single=True,
            computed=True,
            elements={pulumi_name(rule): Attribute(Kind.SET, required=True) for rule in _RULES},
        ),
        "accessKey": _SHOWN,
        "accessCert": _SHOWN,
    }

    def place(self, id_: str, known: Properties) -> str:
        """An import knows no database, and so finds nothing."""
        return f"{self.path}/{known.get('databaseId') or ''}/users/{id_}"

    def insert(self, wanted: dict[str, Any]) -> str:
        body = {name: wanted[name] for name in ("username", "password", "encryption", "permission")}
        with saying("error creating database user: "):
            users = f"{self.path}/{wanted['databaseId']}/users"
            made = decoded(
                unwrapped(self._api.ask("POST", users, filled(body)), self.wrapper), self.fields, ""
            )
        return str(made["username"])

    def complete(self, id_: str, wanted: Properties) -> None:
        if wanted["accessControl"]:
            self._rule(id_, wanted, wanted["accessControl"])

    def found(self, answer: Any) -> dict[str, Any]:
        """What is not answered (encryption, rules) stays as it was wanted."""
        values = unwrapped(answer, self.wrapper)
        found = super().found(answer)
        if values.get("encryption"):
            found["encryption"] = _ENCRYPTION.get(values["encryption"], "caching_sha2_password")
        if values.get("access_control") is not None:
            rules = decoded(values["access_control"], dict.fromkeys(_RULES, list), "user.access_control")
            found["accessControl"] = {pulumi_name(name): each for name, each in rules.items()}
        return found

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        """Nothing is sent of another name."""
        if "password" in changed:
            with saying(f"error updating database user {id_} : "):
                self._api.ask("PUT", self.place(id_, old), {"password": wanted["password"]})
        if "accessControl" in changed:
            self._rule(id_, old, wanted["accessControl"])
        if "permission" in changed:
            with saying(f"error updating user permission {id_} : "):
                body = filled({"permission": wanted["permission"]})
                self._api.ask("PUT", f"{self.place(id_, old)}/access-control", body)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error destroying database user {id_} : "):
            self._api.tell("DELETE", self.place(id_, old))

    def _rule(self, id_: str, known: Properties, rules: Mapping[str, Iterable[str]]) -> None:
        """An empty list goes out as null."""
        body = {name: set_order(rules[pulumi_name(name)]) or None for name in _RULES}
        with saying("error updating user access control: "):
            self._api.ask("PUT", f"{self.place(id_, known)}/access-control", body)
