"""The native provider of the managed PostgreSQL, reached through the data server: nobody else's address is let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_postgresql as postgresql

if TYPE_CHECKING:
    from components.fleet.database import Database


@dataclass(frozen=True)
class ManagedArgs:
    """`port` is the local end of the tunnel on 127.0.0.1; `database` the service it leads to."""

    port: int
    database: Database = field(repr=False)


class ManagedPostgres(pulumi.ComponentResource):
    """`provider` makes roles and databases there, as an administrator who is no superuser; `admin` is his name."""

    provider: postgresql.Provider
    admin: pulumi.Output[str]
    service: pulumi.Resource

    def __init__(self, name: str, args: ManagedArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:data:ManagedPostgres", name, None, opts)
        self.service, self.admin = args.database.resource, args.database.user
        self.provider = postgresql.Provider(
            f"{name}-postgres",
            host="127.0.0.1",
            port=args.port,
            username=args.database.user,
            password=args.database.password,
            database=args.database.resource.dbname,
            sslmode="require",
            superuser=False,
            connect_timeout=60,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
