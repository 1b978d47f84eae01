"""`postgresql:index/grantRole:GrantRole`: a role becomes a member of another, as in terraform-provider-postgresql."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from psycopg import sql

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.postgresql.membership import role_exists
from lab.providers.postgresql.server import Server, Session
from lab.providers.protocol import Properties, ProviderError

TYPE: Final = "postgresql:index/grantRole:GrantRole"
_READ: Final = """
SELECT pg_get_userbyid(member), pg_get_userbyid(roleid), admin_option FROM pg_auth_members
WHERE pg_get_userbyid(member) = %s AND pg_get_userbyid(roleid) = %s"""


class GrantRole(BridgedResource):
    """A membership. It is revoked before it is granted; of several grants of one the first is read."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "role": Attribute(required=True, replaces=True),
        "grantRole": Attribute(required=True, replaces=True),
        "withAdminOption": Attribute(Kind.BOOL, replaces=True, default=False),
    }

    def __init__(self, server: Server) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        member, role = sql.Identifier(wanted["role"]), sql.Identifier(wanted["grantRole"])
        option = sql.SQL(" WITH ADMIN OPTION" if wanted["withAdminOption"] else "")
        with self._server.transaction() as session:
            _revoke(session, wanted)
            session.run(
                "could not execute grant query", sql.SQL("GRANT {} TO {}").format(role, member) + option
            )
        return _id(wanted)

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with self._server.transaction() as session:
            if all(role_exists(session, old[key]) for key in ("role", "grantRole")):
                _revoke(session, old)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        if not known.get("role"):
            raise ProviderError(f"a granted role cannot be imported: {id_}")
        with self._server.session() as session:
            row = session.row("error reading grant role", _READ, [known["role"], known["grantRole"]])
        if row is None:
            return None
        found = {"role": row[0], "grantRole": row[1], "withAdminOption": row[2]}
        return _id(found), found


def _revoke(session: Session, known: Properties) -> None:
    member, role = sql.Identifier(known["role"]), sql.Identifier(known["grantRole"])
    session.run("could not execute revoke query", sql.SQL("REVOKE {} FROM {}").format(role, member))


def _id(known: Properties) -> str:
    return f"{known['role']}_{known['grantRole']}_{'true' if known.get('withAdminOption') else 'false'}"
