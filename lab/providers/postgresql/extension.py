"""`postgresql:index/extension:Extension`, as in terraform-provider-postgresql."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from psycopg import sql

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.postgresql.membership import database_exists
from lab.providers.postgresql.server import Server
from lab.providers.protocol import Properties, ProviderError

TYPE: Final = "postgresql:index/extension:Extension"
_READ: Final = """
SELECT n.nspname, e.extversion FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = %s"""


class Extension(BridgedResource):
    """An extension in one database."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute(required=True, auto_name=True, replaces=True),
        "schema": Attribute(computed=True),
        "version": Attribute(computed=True),
        "database": Attribute(computed=True, replaces=True),
        "dropCascade": Attribute(Kind.BOOL, default=False),
        "createCascade": Attribute(Kind.BOOL, default=False),
    }

    def __init__(self, server: Server) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        database = wanted["database"] or self._server.database
        parts = [sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(wanted["name"]))]
        if wanted["schema"]:
            parts.append(sql.SQL("SCHEMA {}").format(sql.Identifier(wanted["schema"])))
        if wanted["version"]:
            parts.append(sql.SQL("VERSION {}").format(sql.Identifier(wanted["version"])))
        if wanted["createCascade"]:
            parts.append(sql.SQL("CASCADE").format())
        with self._server.transaction(database) as session:
            session.run(f"error creating extension {wanted['name']}", sql.SQL(" ").join(parts))
        return f"{database}.{wanted['name']}"

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        name = sql.Identifier(wanted["name"])
        with self._server.transaction(wanted["database"]) as session:
            if "schema" in changed:
                move = sql.SQL("ALTER EXTENSION {} SET SCHEMA {}").format(
                    name, sql.Identifier(wanted["schema"])
                )
                session.run("error updating extension SCHEMA", move)
            if "version" in changed:
                upgrade = sql.SQL("ALTER EXTENSION {} UPDATE TO {}").format(
                    name, sql.Identifier(wanted["version"])
                )
                session.run("error updating extension version", upgrade)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        database, name = self._place(id_, old)
        if not self._database_exists(database):
            return
        mode = sql.SQL("CASCADE" if old.get("dropCascade") else "RESTRICT")
        statement = sql.SQL("DROP EXTENSION IF EXISTS {} {}").format(sql.Identifier(name), mode)
        with self._server.transaction(database) as session:
            session.run(f"error deleting extension {name}", statement)

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        database, name = self._place(id_, known)
        if not self._database_exists(database):
            return None
        with self._server.session(database) as session:
            row = session.row("error reading extension", _READ, [name])
        if row is None:
            return None
        values = {"name": name, "schema": row[0], "version": row[1], "database": database}
        return f"{database}.{name}", values

    def _database_exists(self, database: str) -> bool:
        with self._server.session() as session:
            return database_exists(session, database)

    def _place(self, id_: str, known: Properties) -> tuple[str, str]:
        """Database and extension, from the record or, for an import, from the id."""
        if known.get("name"):
            return known.get("database") or self._server.database, known["name"]
        parts = id_.split(".")
        if len(parts) != 2:
            raise ProviderError(
                f"extension ID {id_} has not the expected format 'database.extension': {parts}"
            )
        return parts[0], parts[1]
