"""`postgresql:index/database:Database`: attributes and statements as in terraform-provider-postgresql."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from psycopg import sql

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.postgresql.membership import (
    database_exists,
    grant_membership,
    lock_role,
    owner_granted,
    revoke_membership,
    role_exists,
)
from lab.providers.postgresql.server import Server, Session
from lab.providers.protocol import Properties, ProviderError

TYPE: Final = "postgresql:index/database:Database"
_FORCE_SINCE: Final = 130000
_READ: Final = """
SELECT d.datname, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
    ts.spcname, d.datconnlimit, d.datallowconn, d.datistemplate
FROM pg_database AS d JOIN pg_tablespace AS ts ON d.dattablespace = ts.oid WHERE d.datname = %s"""
_READ_KEYS: Final = (
    "name",
    "owner",
    "encoding",
    "lcCollate",
    "lcCtype",
    "tablespaceName",
    "connectionLimit",
    "allowConnections",
    "isTemplate",
)
_KEPT: Final = Attribute(computed=True)
_FIXED: Final = Attribute(computed=True, replaces=True)


class Database(BridgedResource):
    """A database, made from template0 in UTF-8 unless the program says otherwise."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute(required=True, auto_name=True),
        "owner": _KEPT,
        "template": _FIXED,
        "encoding": _FIXED,
        "lcCollate": _FIXED,
        "lcCtype": _FIXED,
        "tablespaceName": _KEPT,
        "connectionLimit": Attribute(Kind.INT, default=-1, minimum=-1),
        "allowConnections": Attribute(Kind.BOOL, default=True),
        "isTemplate": Attribute(Kind.BOOL, computed=True),
        "alterObjectOwnership": Attribute(Kind.BOOL, default=False),
    }

    def __init__(self, server: Server) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        name = str(wanted["name"])
        with self._server.session() as session, owner_granted(self._server, session, wanted["owner"]):
            options = sql.SQL(" ").join(self._options(wanted))
            statement = sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), options)
            session.run(f'error creating database "{name}"', statement)
        return name

    def begun(self, wanted: Properties) -> str | None:
        name = str(wanted["name"])
        with self._server.session() as session:
            return name if database_exists(session, name) else None

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        name, before = str(wanted["name"]), str(old.get("name") or id_)
        with self._server.session() as session:
            if name != before:
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(before), sql.Identifier(name)
                )
                session.run("error updating database name", rename)
            if changed & {"owner", "alterObjectOwnership"} and wanted["alterObjectOwnership"]:
                self._reassign(session, name, wanted["owner"])
            if "owner" in changed and wanted["owner"]:
                with owner_granted(self._server, session, wanted["owner"]):
                    _alter(session, name, "OWNER", _clause("OWNER TO {}", sql.Identifier(wanted["owner"])))
            for word, clause in _changes(wanted, changed):
                _alter(session, name, word, clause)
        return name

    def remove(self, id_: str, old: Properties) -> None:
        name = str(old.get("name") or id_)
        with self._server.session() as session:
            if not database_exists(session, name):
                return
            owner = old.get("owner")
            owner = owner if owner and role_exists(session, owner) else None
            with owner_granted(self._server, session, owner):
                self._drop(session, name, bool(old.get("isTemplate")))

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        with self._server.session() as session:
            row = session.row("error reading database", _READ, [id_])
        if row is None:
            return None
        values = dict(zip(_READ_KEYS, row, strict=True))
        return values["name"], {**values, "template": known.get("template") or "template0"}

    def _options(self, wanted: Properties) -> list[sql.Composable]:
        options = [
            _clause("OWNER {}", sql.Identifier(wanted["owner"] or self._server.user)),
            _or_default("TEMPLATE", wanted["template"] or "template0", sql.Identifier),
            _or_default("ENCODING", wanted["encoding"] or "UTF8", sql.Literal),
        ]
        for word, key, quote in (
            ("LC_COLLATE", "lcCollate", sql.Literal),
            ("LC_CTYPE", "lcCtype", sql.Literal),
            ("TABLESPACE", "tablespaceName", sql.Identifier),
        ):
            if wanted[key]:
                options.append(_or_default(word, wanted[key], quote))
        options.append(_clause("ALLOW_CONNECTIONS {}", sql.Literal(bool(wanted["allowConnections"]))))
        options.append(_clause("CONNECTION LIMIT {}", sql.Literal(int(wanted["connectionLimit"]))))
        options.append(_clause("IS_TEMPLATE {}", sql.Literal(bool(wanted["isTemplate"]))))
        return options

    def _reassign(self, session: Session, name: str, owner: str | None) -> None:
        """Hand all that the present owner has in this database to the new one."""
        query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
        row = session.row("error getting current database OWNER", query, [name])
        if row is None:
            raise ProviderError(f"could not find database '{name}' while looking for owner")
        present = str(row[0])
        if not owner or owner == present:
            return
        granted = False
        with self._server.transaction(name) as inside:
            lock_role(inside, self._server.user)
            granted = grant_membership(session, present, self._server.user)
            statement = _clause("REASSIGN OWNED BY {} TO {}", sql.Identifier(present), sql.Identifier(owner))
            inside.run(f"error reassigning objects owned by '{present}'", statement)
        if granted:
            revoke_membership(session, present, self._server.user)

    def _drop(self, session: Session, name: str, is_template: bool) -> None:
        if is_template:
            _alter(session, name, "IS_TEMPLATE during DROP DATABASE", sql.SQL("IS_TEMPLATE false"))
        block = _clause("ALTER DATABASE {} ALLOW_CONNECTIONS false", sql.Identifier(name))
        session.run("error blocking connections to database", block)
        session.run(
            "error terminating database connections",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
        force = " WITH (FORCE)" if session.connection.info.server_version >= _FORCE_SINCE else ""
        session.run(
            "error dropping database", _clause("DROP DATABASE {}", sql.Identifier(name)) + sql.SQL(force)
        )


def _clause(template: str, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL(template).format(*parts)


def _or_default(word: str, value: str, quote: type[sql.Identifier] | type[sql.Literal]) -> sql.Composable:
    quoted = sql.SQL("DEFAULT") if value.upper() == "DEFAULT" else quote(value)
    return _clause(f"{word} {{}}", quoted)


def _alter(session: Session, name: str, word: str, clause: sql.Composable) -> None:
    statement = _clause("ALTER DATABASE {} ", sql.Identifier(name)) + clause
    session.run(f"error updating database {word}", statement)


def _changes(wanted: Properties, changed: frozenset[str]) -> list[tuple[str, sql.Composable]]:
    clauses: list[tuple[str, sql.Composable]] = []
    if "tablespaceName" in changed:
        space = wanted["tablespaceName"]
        reset = not space or space.upper() == "DEFAULT"
        move = (
            sql.SQL("SET TABLESPACE pg_default")
            if reset
            else _clause("SET TABLESPACE {}", sql.Identifier(space))
        )
        clauses.append(("TABLESPACE", move))
    if "connectionLimit" in changed:
        limit = sql.Literal(int(wanted["connectionLimit"]))
        clauses.append(("CONNECTION LIMIT", _clause("CONNECTION LIMIT = {}", limit)))
    for key, word in (("allowConnections", "ALLOW_CONNECTIONS"), ("isTemplate", "IS_TEMPLATE")):
        if key in changed:
            clauses.append((word, _clause(f"{word} {{}}", sql.Literal(bool(wanted[key])))))
    return clauses
