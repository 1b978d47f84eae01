"""Package `postgresql` 3.x (terraform-provider-postgresql behind Pulumi's bridge)."""

from __future__ import annotations

from lab.providers.bridge.provider import BridgedProvider
from lab.providers.postgresql import database, extension, grant, grant_role, role
from lab.providers.postgresql.server import Server
from lab.providers.protocol import Properties


class PostgresqlProvider(BridgedProvider):
    """Roles, databases, grants and extensions of one server."""

    secret_config = ("password",)

    def __init__(self, version: str | None) -> None:
        self._server = server = Server()
        resources = {
            role.TYPE: role.Role(server),
            database.TYPE: database.Database(server),
            grant.TYPE: grant.Grant(server),
            grant_role.TYPE: grant_role.GrantRole(server),
            extension.TYPE: extension.Extension(server),
        }
        super().__init__("postgresql", version, resources)

    def configure(self, inputs: Properties) -> None:
        self._server.configure(inputs)

    def cancel(self) -> None:
        self._server.cancel()
