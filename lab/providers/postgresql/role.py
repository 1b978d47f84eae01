"""`postgresql:index/role:Role`: attributes and statements as in terraform-provider-postgresql."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from psycopg import sql

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.postgresql.membership import is_superuser, lock_role, role_exists, roles_granted
from lab.providers.postgresql.server import Row, Server, Session
from lab.providers.protocol import Properties, ProviderError

TYPE: Final = "postgresql:index/role:Role"
_FLAGS: Final = {
    "superuser": "SUPERUSER",
    "createDatabase": "CREATEDB",
    "createRole": "CREATEROLE",
    "inherit": "INHERIT",
    "login": "LOGIN",
    "bypassRowLevelSecurity": "BYPASSRLS",
    "replication": "REPLICATION",
}
_TIMEOUTS: Final = {
    "statementTimeout": "statement_timeout",
    "idleInTransactionSessionTimeout": "idle_in_transaction_session_timeout",
}
_ONLY_RECORDED: Final = ("skipDropRole", "skipReassignOwned")
_OFF: Final = Attribute(Kind.BOOL, default=False)
_READ: Final = """
SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolcanlogin, rolbypassrls, rolreplication,
    rolconnlimit, coalesce(rolvaliduntil::text, 'infinity'), coalesce(rolconfig, '{}'),
    array(SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE member = pg_roles.oid)
FROM pg_roles WHERE rolname = %s"""
_READ_KEYS: Final = (
    "name",
    "superuser",
    "createDatabase",
    "createRole",
    "inherit",
    "login",
    "bypassRowLevelSecurity",
    "replication",
    "connectionLimit",
    "validUntil",
)


class Role(BridgedResource):
    """A role. Passwords are encrypted here, not by the server: its logs never see them."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute(required=True, auto_name=True),
        "password": Attribute(secret=True, conflicts=("passwordWo", "passwordWoVersion")),
        "passwordWo": Attribute(
            secret=True, write_only=True, conflicts=("password",), together=("passwordWoVersion",)
        ),
        "passwordWoVersion": Attribute(conflicts=("password",), together=("passwordWo",)),
        "encrypted": Attribute(),
        "roles": Attribute(Kind.SET),
        "searchPaths": Attribute(Kind.LIST, terraform_name="search_path"),
        "encryptedPassword": Attribute(Kind.BOOL, default=True),
        "validUntil": Attribute(default="infinity"),
        "connectionLimit": Attribute(Kind.INT, default=-1, minimum=-1),
        "superuser": _OFF,
        "createDatabase": _OFF,
        "createRole": _OFF,
        "idleInTransactionSessionTimeout": Attribute(Kind.INT, minimum=0),
        "inherit": Attribute(Kind.BOOL, default=True),
        "login": _OFF,
        "replication": _OFF,
        "bypassRowLevelSecurity": _OFF,
        "skipDropRole": _OFF,
        "skipReassignOwned": _OFF,
        "statementTimeout": Attribute(Kind.INT, minimum=0),
        "assumeRole": Attribute(),
    }

    def __init__(self, server: Server) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        name = str(wanted["name"])
        with self._server.transaction() as session:
            statement = sql.SQL("CREATE ROLE {} WITH {}").format(
                sql.Identifier(name), sql.SQL(" ").join(_options(session, wanted))
            )
            session.run(f"error creating role {name}", statement)
            _grant_roles(session, name, wanted)
            _set_search_path(session, name, wanted)
            for key in (*_TIMEOUTS, "assumeRole"):
                if wanted[key]:
                    _set_parameter(session, name, key, wanted)
        return name

    def begun(self, wanted: Properties) -> str | None:
        name = str(wanted["name"])
        with self._server.session() as session:
            return name if role_exists(session, name) else None

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        name, before = str(wanted["name"]), str(old.get("name") or id_)
        with self._server.transaction() as session:
            lock_role(session, before)
            if name != before:
                rename = sql.SQL("ALTER ROLE {} RENAME TO {}").format(
                    sql.Identifier(before), sql.Identifier(name)
                )
                session.run("error updating role NAME", rename)
            for failing, clause in _changes(session, wanted, changed):
                statement = sql.SQL("ALTER ROLE {} ").format(sql.Identifier(name)) + clause
                session.run(f"error updating role {failing}", statement)
            _revoke_roles(session, name)
            _grant_roles(session, name, wanted)
            _set_search_path(session, name, wanted)
            for key in (*_TIMEOUTS, "assumeRole"):
                if key in changed:
                    _set_parameter(session, name, key, wanted)
        return name

    def remove(self, id_: str, old: Properties) -> None:
        name = str(old.get("name") or id_)
        role = sql.Identifier(name)
        with self._server.transaction() as session:
            lock_role(session, name)
            if not role_exists(session, name):
                return
            if not old.get("skipReassignOwned"):
                with roles_granted(session, [name]):
                    user = self._server.user
                    reassign = sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, sql.Identifier(user))
                    session.run(f"could not reassign owned by role {name} to {user}", reassign)
                    drop_owned = sql.SQL("DROP OWNED BY {}").format(role)
                    session.run(f"could not drop owned by role {name}", drop_owned)
            if not old.get("skipDropRole"):
                session.run(f"could not delete role {name}", sql.SQL("DROP ROLE {}").format(role))

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        with self._server.session() as session:
            row = session.row("error reading ROLE", _READ, [id_])
            if row is None:
                return None
            values = _attributes(row) | {key: bool(known.get(key)) for key in _ONLY_RECORDED}
            if known.get("password"):
                values["password"] = self._password(session, id_, known["password"], values["login"])
        return values["name"], values

    def _password(self, session: Session, role: str, known: str, login: bool) -> str:
        """The recorded password if the server's hash may be its own, otherwise that hash."""
        if not login or not self._server.is_superuser:
            return known
        if not is_superuser(session, self._server.user):
            raise ProviderError(
                "could not read role password from Postgres as connected user "
                f"{self._server.user} is not a SUPERUSER. You can set `superuser = false` in the provider "
                "configuration so it will not try to read the password from Postgres"
            )
        query = "SELECT coalesce(passwd, '') FROM pg_shadow WHERE usename = %s"
        stored = str((session.row("error reading role", query, [role]) or [""])[0])
        if known.startswith(("md5", "SCRAM-SHA-256")):
            return stored
        digest = hashlib.md5((known + role).encode(), usedforsecurity=False).hexdigest()
        return known if stored == f"md5{digest}" or stored.startswith("SCRAM-SHA-256") else stored


def _options(session: Session, wanted: Properties) -> list[sql.Composable]:
    options = _password_clause(session, wanted)
    options.append(sql.SQL("VALID UNTIL {}").format(sql.Literal(_valid_until(wanted))))
    options.append(sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(int(wanted["connectionLimit"]))))
    return options + [_flag(key, wanted) for key in _FLAGS]


def _password_clause(session: Session, wanted: Properties) -> list[sql.Composable]:
    password = wanted.get("password") or wanted.get("passwordWo")
    if not password:
        return []
    if password.upper() == "NULL":
        return [sql.SQL("PASSWORD NULL")]
    method = sql.SQL("ENCRYPTED" if wanted["encryptedPassword"] else "UNENCRYPTED")
    stored = session.encrypted(password, wanted["name"])
    return [method, sql.SQL("PASSWORD {}").format(sql.Literal(stored))]


def _flag(key: str, wanted: Properties) -> sql.SQL:
    return sql.SQL(_FLAGS[key] if wanted[key] else f"NO{_FLAGS[key]}")


def _valid_until(wanted: Properties) -> str:
    value = str(wanted["validUntil"] or "infinity")
    return "infinity" if value.lower() == "infinity" else value


def _changes(
    session: Session, wanted: Properties, changed: frozenset[str]
) -> list[tuple[str, sql.Composable]]:
    """Clauses of ALTER ROLE, each with the name it has in an error message."""
    clauses: list[tuple[str, sql.Composable]] = []
    password = wanted.get("password") or wanted.get("passwordWo")
    if password and changed & {"password", "name", "passwordWoVersion"}:
        stored = session.encrypted(password, wanted["name"])
        clauses.append(("password", sql.SQL("PASSWORD {}").format(sql.Literal(stored))))
    if "connectionLimit" in changed:
        limit = sql.Literal(int(wanted["connectionLimit"]))
        clauses.append(("CONNECTION LIMIT", sql.SQL("CONNECTION LIMIT {}").format(limit)))
    for key in _FLAGS:
        if key in changed:
            clauses.append((_FLAGS[key], sql.SQL("WITH ") + _flag(key, wanted)))
    if "validUntil" in changed and wanted["validUntil"]:
        until = sql.Literal(_valid_until(wanted))
        clauses.append(("VALID UNTIL", sql.SQL("VALID UNTIL {}").format(until)))
    return clauses


def _revoke_roles(session: Session, name: str) -> None:
    query = (
        "SELECT pg_get_userbyid(roleid) FROM pg_auth_members "
        "JOIN pg_roles ON member = pg_roles.oid WHERE rolname = %s"
    )
    for granted in session.column(f"could not get roles list for role {name}", query, [name]):
        revoke = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(granted), sql.Identifier(name))
        session.run(f"could not revoke role {granted} from {name}", revoke)


def _grant_roles(session: Session, name: str, wanted: Properties) -> None:
    for role in wanted["roles"] or ():
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name))
        session.run(f"could not grant role {role} to {name}", grant)


def _set_search_path(session: Session, name: str, wanted: Properties) -> None:
    parts: list[sql.Composable] = [sql.SQL("DEFAULT")]
    if wanted["searchPaths"]:
        for part in wanted["searchPaths"]:
            if ", " in part:
                raise ProviderError(f"search_path cannot contain `, `: {part}")
        parts = [sql.Identifier(part) for part in wanted["searchPaths"]]
    statement = sql.SQL("ALTER ROLE {} SET search_path TO {}").format(
        sql.Identifier(name), sql.SQL(", ").join(parts)
    )
    session.run(f"could not set search_path for {name}", statement)


def _set_parameter(session: Session, name: str, key: str, wanted: Properties) -> None:
    parameter = sql.SQL(_TIMEOUTS.get(key, "role"))
    role, value = sql.Identifier(name), wanted[key]
    if not value:
        session.run(
            f"could not reset {key} for {name}", sql.SQL("ALTER ROLE {} RESET {}").format(role, parameter)
        )
        return
    literal = sql.Literal(int(value)) if key in _TIMEOUTS else sql.Identifier(value)
    statement = sql.SQL("ALTER ROLE {} SET {} TO {}").format(role, parameter, literal)
    session.run(f"could not set {key} {value} for {name}", statement)


def _attributes(row: Row) -> dict[str, Any]:
    parameters = dict(entry.split("=", 1) for entry in row[10])
    path = parameters.get("search_path")
    return {
        **dict(zip(_READ_KEYS, row, strict=False)),
        "encryptedPassword": True,
        "roles": list(row[11]),
        "searchPaths": [part.strip('"') for part in path.split(", ")] if path else [],
        "assumeRole": parameters.get("role", ""),
        **{key: int(_milliseconds(parameters.get(name, "0"))) for key, name in _TIMEOUTS.items()},
    }


def _milliseconds(text: str) -> str:
    if not text.isdigit():
        raise ProviderError(f"error reading statement_timeout: {text} is not a number of milliseconds")
    return text
