"""`postgresql:index/grant:Grant` for databases and schemas, as in terraform-provider-postgresql.

All privileges of the role on the object are revoked, then those listed are granted, in one transaction; an
empty list therefore means: revoke.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from psycopg import sql

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.postgresql.membership import (
    database_exists,
    lock_database,
    lock_role,
    role_exists,
    roles_granted,
)
from lab.providers.postgresql.server import Server, Session
from lab.providers.protocol import REMEDY, UNKNOWN, CheckResult, Properties, ProviderError

TYPE: Final = "postgresql:index/grant:Grant"
PUBLIC: Final = "public"
_PRIVILEGES: Final = {
    "database": ("CREATE", "CONNECT", "TEMPORARY"),
    "schema": ("CREATE", "USAGE"),
}
_OBJECT_TYPES: Final = (
    "database",
    "function",
    "procedure",
    "routine",
    "schema",
    "sequence",
    "table",
    "foreign_data_wrapper",
    "foreign_server",
    "column",
)
_GRANTED: Final = {
    "database": "SELECT (aclexplode(datacl)).* FROM pg_database WHERE datname = %s",
    "schema": "SELECT (aclexplode(nspacl)).* FROM pg_namespace WHERE nspname = %s",
}
_PART: Final = Attribute(replaces=True)


class Grant(BridgedResource):
    """Privileges of one role on one database or schema."""

    delete_before_replace = True
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "role": Attribute(required=True, replaces=True),
        "database": Attribute(required=True, replaces=True),
        "schema": _PART,
        "objectType": Attribute(required=True, replaces=True, choices=_OBJECT_TYPES),
        "objects": Attribute(Kind.SET, replaces=True),
        "columns": Attribute(Kind.SET, replaces=True),
        "privileges": Attribute(Kind.SET, required=True),
        "withGrantOption": Attribute(Kind.BOOL, replaces=True, default=False),
    }

    def __init__(self, server: Server) -> None:
        self._server = server

    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        checked = super().check(name, olds, news, random_seed)
        kind = checked.inputs.get("objectType")
        if checked.failures or kind is UNKNOWN or kind in _PRIVILEGES:
            return checked
        refusal = f"the lab's stand-in grants privileges on {' and '.join(_PRIVILEGES)} only, not on {kind}; {REMEDY}"
        return CheckResult(checked.inputs, (("objectType", refusal),))

    def insert(self, wanted: Properties) -> str:
        self._apply(wanted, wanted["privileges"] or ())
        return _id(wanted)

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        self._apply(wanted, wanted["privileges"] or ())
        return _id(wanted)

    def remove(self, id_: str, old: Properties) -> None:
        if self._exists(old):
            self._apply(old, ())

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        if not known.get("role"):
            raise ProviderError(f"a grant cannot be imported: {id_}")
        if not self._exists(known):
            return None
        with self._server.session(known["database"]) as session:
            granted = _granted(session, known)
        wanted = set(known.get("privileges") or ())
        everything = set(_PRIVILEGES[known["objectType"]])
        as_wanted = granted == wanted or ("ALL" in wanted and granted == everything)
        return _id(known), {} if as_wanted else {"privileges": sorted(granted)}

    def _exists(self, known: Properties) -> bool:
        with self._server.session() as session:
            if not database_exists(session, known["database"]):
                return False
            if known["role"] != PUBLIC and not role_exists(session, known["role"]):
                return False
        if known["objectType"] != "schema":
            return True
        with self._server.session(known["database"]) as session:
            query = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
            return session.row("could not check if schema exists", query, [known["schema"]]) is not None

    def _apply(self, wanted: Properties, privileges: Sequence[str]) -> None:
        _validate(wanted, privileges)
        database, kind = wanted["database"], wanted["objectType"]
        what = sql.SQL("DATABASE {}" if kind == "database" else "SCHEMA {}").format(
            sql.Identifier(wanted[kind])
        )
        role = sql.Identifier(wanted["role"])
        with self._server.transaction(database) as session:
            lock_role(session, wanted["role"])
            if kind == "database":
                lock_database(session, database)
            with roles_granted(session, _owners(session, wanted)):
                revoke = sql.SQL("REVOKE ALL PRIVILEGES ON {} FROM {}").format(what, role)
                session.run("could not execute revoke query", revoke)
                if privileges:
                    listed = sql.SQL(",").join(sql.SQL(privilege) for privilege in privileges)
                    grant = sql.SQL("GRANT {} ON {} TO {}").format(listed, what, role)
                    option = sql.SQL(" WITH GRANT OPTION" if wanted.get("withGrantOption") else "")
                    session.run(f"could not grant privileges to {wanted['role']}", grant + option)


def _id(wanted: Properties) -> str:
    parts = [wanted["role"], wanted["database"]]
    if wanted["objectType"] == "schema":
        parts.append(wanted["schema"])
    return "_".join([*parts, wanted["objectType"]])


def _validate(wanted: Properties, privileges: Sequence[str]) -> None:
    kind = wanted["objectType"]
    if kind == "schema" and not wanted.get("schema"):
        raise ProviderError("parameter 'schema' is mandatory for postgresql_grant resource")
    if wanted.get("objects"):
        raise ProviderError("cannot specify `objects` when `object_type` is `database` or `schema`")
    if wanted.get("columns"):
        raise ProviderError("cannot specify `columns` when `object_type` is not `column`")
    for privilege in privileges:
        if privilege not in ("ALL", *_PRIVILEGES[kind]):
            raise ProviderError(f"{privilege} is not an allowed privilege for object type {kind}")


def _owners(session: Session, wanted: Properties) -> list[str]:
    """Roles that a connected role which is no superuser must act for."""
    if wanted["objectType"] == "database":
        return []
    query = (
        "SELECT CASE WHEN n.nspowner = to_regrole('pg_database_owner') THEN pg_get_userbyid(d.datdba) "
        "ELSE pg_get_userbyid(n.nspowner) END FROM pg_namespace n, pg_database d "
        "WHERE n.nspname = %s AND d.datname = current_database()"
    )
    return session.column("error while looking for the owner of the schema", query, [wanted["schema"]])


def _granted(session: Session, known: Properties) -> set[str]:
    kind, role = known["objectType"], known["role"]
    row = session.row(
        f"could not find oid for role {role}", "SELECT oid FROM pg_roles WHERE rolname = %s", [role]
    )
    oid = 0 if role == PUBLIC or row is None else row[0]
    query = f"SELECT privilege_type FROM ({_GRANTED[kind]}) AS privileges WHERE grantee = %s"  # noqa: S608 - constants
    failing = f"could not read privileges for {kind} {known[kind]}"
    return set(session.column(failing, query, [known[kind], oid]))
