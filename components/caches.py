"""A project's cache at Vultr's managed Valkey: its users there, and its index emptied when that is new to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pulumi
from pulumi_command import remote

from codeb import managed_names, names
from codeb.plan import CachePlan, ProjectPlan
from codeb.render import cache_access
from codeb.secrets import RootSecret
from components.project_keys import cache_passwords
from components.server import Server

if TYPE_CHECKING:  # most stacks have nothing at Vultr, whose SDK takes a quarter of the program's start
    from components.fleet.valkey import Valkey
    from components.servers import Servers

EMPTY = "answer=$(codeb-agent empty-cache)"
"""On failure the command provider repeats both outputs: the agent's words are enough, its JSON stays out."""
NOTHING = ":"


@dataclass(frozen=True)
class CacheArgs:
    """`cache` is the plan's, `passwords` those of its users by number; `data_server` reaches the service, too."""

    project: str
    cache: CachePlan
    service: Valkey
    data_server: Server
    passwords: Mapping[int, str] = field(repr=False)


def cache_args(
    project: ProjectPlan | None, servers: Servers, data_server: str, root: RootSecret
) -> CacheArgs | None:
    """What a project has at the service; None for nothing."""
    cache = project.cache if project else None
    if project is None or cache is None or cache.service is None:
        return None
    passwords = cache_passwords(root, project.id, cache)
    return CacheArgs(project.id, cache, servers.caches[cache.service], servers[data_server], passwords)


def declare_cache(name: str, args: CacheArgs | None, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """All of it, children of the project's component `parent`; nothing for a cache that is on the data server alone."""
    if args is None:
        return []
    opts = pulumi.ResourceOptions(parent=parent, deleted_with=args.service.resource)
    made: list[pulumi.Resource] = [_user(name, args, number, opts) for number in args.cache.users]
    return [*made, _emptied(name, args, made, opts)] if args.cache.managed else made


def _user(name: str, args: CacheArgs, number: int, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """A password has a user of its own, whose rules are given to him after he was made. The plugin marks no password of one
    as a secret: here it is one."""
    import ediri_vultr as vultr

    access = cache_access(args.cache.index, names.channel_prefix(args.project))
    more = pulumi.ResourceOptions(provider=args.service.provider, additional_secret_outputs=["password"])
    return vultr.DatabaseUser(
        f"{name}-cache-user{'' if number == 1 else f'-{number}'}",
        database_id=args.service.resource.id,
        username=managed_names.valkey_user(args.project, number),
        password=pulumi.Output.secret(args.passwords[number]),
        access_control=vultr.DatabaseUserAccessControlArgs(
            acl_categories=list(access.categories),
            acl_commands=list(access.commands),
            acl_keys=list(access.keys),
            acl_channels=list(access.channels),
        ),
        opts=pulumi.ResourceOptions.merge(opts, more),
    )


def _emptied(
    name: str, args: CacheArgs, users: list[pulumi.Resource], opts: pulumi.ResourceOptions
) -> remote.Command:
    """Once for each service and index: whoever had that before is not to be read. Another password is no reason."""
    service = args.service
    told: pulumi.Input[str] = pulumi.Output.all(service.host, service.port).apply(partial(_document, args))
    after = pulumi.ResourceOptions(depends_on=[args.data_server.bundle, *users])
    return remote.Command(
        f"{name}-cache-emptied",
        connection=args.data_server.connection,
        create=EMPTY,
        update=NOTHING,
        stdin=pulumi.Output.secret(told),
        triggers=[service.resource.id, args.cache.index],
        logging=remote.Logging.NONE,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions.merge(opts, after),
    )


def _document(args: CacheArgs, place: Sequence[str]) -> str:
    """What `codeb-agent empty-cache` reads."""
    cache, (host, port) = args.cache, place
    document = {
        "version": 1,
        "project": args.project,
        "host": host,
        "port": int(port),
        "index": cache.index,
        "user": cache.user,
        "password": args.passwords[cache.users[0]],
    }
    return json.dumps(document, sort_keys=True)
