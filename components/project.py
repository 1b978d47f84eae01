"""One project: its database, its buckets and its running release."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pulumi
import pulumi_minio as minio
from pulumi_command import remote

from codeb import names
from codeb.plan import BucketPlan
from codeb.plan.places import Known
from components.buckets import declare_buckets, storage_policy
from components.caches import CacheArgs, declare_cache
from components.databases import DatabasesArgs, declare_databases
from components.documents import Release, Route
from components.final import final_backup
from components.objects import ProjectObjects
from components.places import Places
from components.project_keys import StorageKey
from components.server import Server
from components.told import Reading, Told, described

RELEASE = 'answer=$(codeb-agent release) && printf "%s" "$answer"'
"""On failure the command provider repeats both outputs: the agent's words are enough, its JSON stays out."""
REMOVE = "codeb-agent remove"
ROUTE = "codeb-agent route"
UNROUTE = "codeb-agent unroute"


@dataclass(frozen=True)
class ProjectArgs:
    """`servers` run the project, none for one that has left and whose data is kept; `facts` are what a preview shows.

    `releases` are for each of the servers, secrets included; `told` says what changes of them. Buckets live
    on `data_server`. `routes` are the documents of those of the `edges` that only send visitors on. The releases of `after`
    end before this project's begin: it takes something over from them. `final` is what the agent is told of the backup
    before the database is dropped, "" where it isn't. `objects` are its buckets at Vultr: an app that uses those is let in
    to the ones here no more.
    """

    id: str
    facts: Mapping[str, Any]
    databases: DatabasesArgs
    cache: CacheArgs | None
    buckets: tuple[BucketPlan, ...]
    storage_keys: tuple[StorageKey, ...]
    keep_data: bool
    data_server: Server
    servers: Mapping[str, Server]
    releases: Mapping[str, Release]
    earlier: Reading
    told: Told
    places: Places
    edges: Mapping[str, Server] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    after: Sequence[pulumi.Resource] = ()
    final: str = ""
    objects: ProjectObjects | None = None

    def __repr__(self) -> str:
        return f"ProjectArgs({self.id})"


class Project(pulumi.ComponentResource):
    """Eleven resources for a project with a database and a bucket.

    This one, role, database, revoke of PUBLIC, bucket with its versions and their rule, user and policy in MinIO, their
    attachment, release. Nine for one that isn't backed up; one more where the data is dropped with the project.
    """

    answers: dict[str, pulumi.Output[dict[str, Any] | None]]
    """The agent's answer for each server that runs the project; nothing in it is secret. None where an update leaves the
    release out (`--exclude`) and there was none before: the registry would be unknown altogether."""
    releases: Sequence[pulumi.Resource]
    sites: Mapping[str, pulumi.Resource]
    """By server what puts the project's site there: its release, or a route to where it runs."""

    def __init__(self, name: str, args: ProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:project:Project", name, dict(args.facts), opts)
        data = pulumi.ResourceOptions(
            parent=self, retain_on_delete=args.keep_data or None, deleted_with=args.data_server.bundle
        )
        buckets = declare_buckets(name, args.buckets, keep_data=args.keep_data, opts=data)
        made = [*declare_databases(name, args.databases, self), *buckets]
        made += args.objects.made if args.objects else ()
        if args.final:
            made.append(final_backup(name, args.final, args.data_server, made, self))
        if args.buckets and args.servers and not (args.objects and args.objects.used):
            made += self._storage_access(name, args, made)
        made += declare_cache(name, args.cache, self)
        commands = self._releases(name, args, made)
        routes = self._routes(name, args, [*commands.values(), *args.after])
        self.sites = {**commands, **routes}
        self.releases = list(self.sites.values())
        self.answers = {server: _answer(command) for server, command in commands.items()}
        self.register_outputs({})

    def _storage_access(
        self, name: str, args: ProjectArgs, made: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Users of the project's own, for as long as it runs: no key outlives the app, none is the administrator's."""
        opts = pulumi.ResourceOptions(parent=self, deleted_with=args.data_server.bundle, depends_on=made)
        document = storage_policy([bucket.name for bucket in args.buckets])
        policy = minio.IamPolicy(f"{name}-policy", name=names.user(args.id), policy=document, opts=opts)
        access: list[pulumi.Resource] = [policy]
        for key in args.storage_keys:
            secret = pulumi.Output.secret(key.secret)
            user = minio.IamUser(f"{name}-user{key.suffix}", name=key.name, secret=secret, opts=opts)
            attachment = minio.IamUserPolicyAttachment(
                f"{name}-access{key.suffix}", user_name=user.name, policy_name=policy.name, opts=opts
            )
            access += [user, attachment]
        return access

    def _releases(
        self, name: str, args: ProjectArgs, made: list[pulumi.Resource]
    ) -> dict[str, remote.Command]:
        """One server after the other, the first with the release command: where one fails, those after it stay as they
        are."""
        commands: dict[str, remote.Command] = {}
        for server in args.servers:
            before = list(commands.values())
            commands[server] = self._release(
                name, args, server, [*made, *args.after, *before[-1:]], before[:1]
            )
        return commands

    def _routes(
        self, name: str, args: ProjectArgs, released: list[pulumi.Resource]
    ) -> dict[str, remote.Command]:
        """Edges that don't run the project send its visitors on, once there is somewhere to send them."""
        return {
            edge: remote.Command(
                f"{name}-route-{edge}",
                connection=args.edges[edge].connection,
                create=args.edges[edge].here(ROUTE),
                delete=UNROUTE,
                stdin=_guarded(route, args.places.when_known(route.needs, partial(_route_text, route))),
                logging=remote.Logging.NONE,
                add_previous_output_in_env=False,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[args.edges[edge].bundle, *released],
                    deleted_with=args.edges[edge].bundle,
                ),
            )
            for edge, route in args.routes.items()
        }

    def _release(
        self,
        name: str,
        args: ProjectArgs,
        server: str,
        after: list[pulumi.Resource],
        first: list[remote.Command],
    ) -> remote.Command:
        where, release = args.servers[server], args.releases[server]
        args.told.release(f"{name}-release-{server}", args.id, server, args.earlier)
        return remote.Command(
            f"{name}-release-{server}",
            connection=where.connection,
            create=where.here(RELEASE),
            delete=described(REMOVE, release.summary),
            stdin=stdin_of(release, args.places, *first),
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[where.bundle, *after],
                deleted_with=where.bundle,
                hooks=args.told.hooks,
            ),
        )


def stdin_of(release: Release, places: Places, first: remote.Command | None = None) -> pulumi.Output[str]:
    """The document of a release; the servers after the first one are told which digest that has found the image to be."""
    text = places.when_known(release.needs, lambda known: json.dumps(release.make(known), sort_keys=True))
    if first is None:
        return pulumi.Output.secret(text)
    return pulumi.Output.secret(pulumi.Output.all(text, first.stdout).apply(lambda both: _same_image(*both)))


def _answer(release: remote.Command) -> pulumi.Output[dict[str, Any] | None]:
    parsed: pulumi.Output[dict[str, Any]] = release.stdout.apply(json.loads)
    if pulumi.runtime.is_dry_run():
        return parsed

    async def known() -> dict[str, Any] | None:
        return await parsed.future() if await parsed.is_known() else None

    return pulumi.Output.from_input(known())


def _guarded(route: Route, text: pulumi.Input[str]) -> pulumi.Input[str]:
    return pulumi.Output.secret(text) if route.secret else text


def _route_text(route: Route, known: Known) -> str:
    return json.dumps(route.make(known), sort_keys=True)


def _same_image(document: str, answer: str) -> str:
    """An answer of an agent of before names no digest: each server finds out by itself, as it did then."""
    digest = json.loads(answer).get("resolved")
    return json.dumps({**json.loads(document), "digest": digest}, sort_keys=True) if digest else document
