"""A project's databases: the one on the data server, and the one at Vultr's managed service, each with its roles.

Both have the same names and passwords. What the app does not use is there for data to be moved to (docs/managed-data.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_postgresql as postgresql

from codeb import names
from codeb.plan import DatabasePlan
from components.managed import ManagedPostgres
from components.project_keys import OWNER


@dataclass(frozen=True)
class DatabasesArgs:
    """`used` is the app's database, `beside` the one on the other side; `managed` is the service, None without one.

    `keep_data`: databases and their owners stay when they are no longer declared. `gone_with` is the data server's bundle.
    """

    project: str
    used: DatabasePlan | None
    beside: DatabasePlan | None
    passwords: Mapping[int, str]
    keep_data: bool
    gone_with: pulumi.Resource
    managed: ManagedPostgres | None = None

    def __repr__(self) -> str:
        return f"DatabasesArgs({self.project})"


@dataclass(frozen=True)
class _Side:
    """Where one of both is made: `stem` begins its resources' names, `admin` is who else acts as its owner."""

    stem: str
    gone_with: pulumi.Resource
    provider: pulumi.ProviderResource | None = None
    admin: pulumi.Output[str] | None = None

    def options(self, parent: pulumi.Resource, *, keep: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            retain_on_delete=keep or None,
            deleted_with=self.gone_with,
        )


def declare_databases(name: str, args: DatabasesArgs, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """All of it, children of the project's component `parent`; `name` begins the resources' names."""
    made: list[pulumi.Resource] = []
    for database in (args.used, args.beside):
        if database is not None:
            made += _declare(name, args, database, parent)
    return made


def _declare(
    name: str, args: DatabasesArgs, plan: DatabasePlan, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    side = _side(name, args, plan)
    opts = side.options(parent, keep=args.keep_data)
    role = postgresql.Role(
        f"{side.stem}-role",
        name=plan.role,
        login=OWNER in plan.logins,
        password=pulumi.Output.secret(args.passwords[OWNER]),
        connection_limit=plan.connection_limit,
        opts=opts,
    )
    member = _acts_as(side, role, opts)
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=member)) if member else opts
    database = postgresql.Database(f"{side.stem}-database", name=plan.name, owner=role.name, opts=after)
    revoke = postgresql.Grant(
        f"{side.stem}-public",
        database=database.name,
        role="public",
        object_type="database",
        privileges=[],
        opts=after,
    )
    extensions = [
        postgresql.Extension(
            f"{side.stem}-extension-{extension}", name=extension, database=database.name, opts=after
        )
        for extension in plan.extensions
    ]
    return [role, *member, database, revoke, *extensions, *_logins(side, args, role, parent)]


def _side(name: str, args: DatabasesArgs, plan: DatabasePlan) -> _Side:
    if not plan.managed:
        return _Side(name, args.gone_with)
    if args.managed is None:
        raise ValueError(f"{args.project} is at a managed service, and the stack has none")
    return _Side(f"{name}-managed", args.managed.service, args.managed.provider, args.managed.admin)


def _logins(
    side: _Side, args: DatabasesArgs, owner: postgresql.Role, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Roles beside the owner's that an app logs in as; each acts as the owner, so all that it makes is the owner's."""
    opts = side.options(parent)
    made: list[pulumi.Resource] = []
    for number, password in args.passwords.items():
        if number == OWNER:
            continue
        login = postgresql.Role(
            f"{side.stem}-login-{number}",
            name=names.database_login(args.project, number),
            login=True,
            password=pulumi.Output.secret(password),
            connection_limit=owner.connection_limit,
            roles=[owner.name],
            assume_role=owner.name,
            opts=opts,
        )
        made += [login, *_acts_as(replace(side, stem=f"{side.stem}-login-{number}"), login, opts)]
    return made


def _acts_as(side: _Side, role: postgresql.Role, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """An administrator who is no superuser owns nothing of others', and ends nobody's sessions, unless he is one of them.

    PostgreSQL 16 and later have him as its administrator from the role's making on, too: a read may see that one.
    """
    if side.admin is None:
        return []
    ignored = pulumi.ResourceOptions(ignore_changes=["withAdminOption"])
    return [
        postgresql.GrantRole(
            f"{side.stem}-admin",
            role=side.admin,
            grant_role=role.name,
            opts=pulumi.ResourceOptions.merge(opts, ignored),
        )
    ]
