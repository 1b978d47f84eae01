"""The whole stack: servers, data services, projects, and the outputs that other teams read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

import pulumi
from pulumi.runtime.settings import get_root_resource

from agent.program.build import zipapp
from codeb import names, registry
from codeb.changes import bundle_summary
from codeb.plan import BucketPlan, DatabasePlan, ProjectPlan, RetainedPlan
from codeb.render import host_bundle, outside_texts, project_environment
from codeb.secrets import PlatformSecrets, project_credentials, resolve
from components.config import Stack
from components.data import DataArgs, DataServices
from components.documents import changes_digest, earlier_bundle, earlier_release, releases
from components.project import Project, ProjectArgs
from components.server import Server, ServerArgs
from components.told import Told
from components.tunnel import TunnelError, local_port, open_tunnel

SECRET_VARIABLES = frozenset({"DATABASE_URL", "REDIS_PASSWORD", "NEXTAUTH_SECRET", "MINIO_SECRET_KEY"})
CONNECTION_VARIABLES = (
    "DATABASE_URL",
    "NEXTAUTH_SECRET",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_DB",
    "REDIS_CHANNEL_PREFIX",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "MINIO_ENDPOINT",
    "MINIO_PUBLIC_ENDPOINT",
    "MINIO_BUCKET",
    "MINIO_ACCESS_KEY",
    "MINIO_SECRET_KEY",
)
PREVIEW_WAIT_SECONDS = 0
UPDATE_WAIT_SECONDS = 30


class Platform(pulumi.ComponentResource):
    """Declares every resource of a stack; `outputs` are the stack's."""

    outputs: dict[str, Any]

    def __init__(self, name: str, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:platform:Platform", name, None, opts)
        self._stack = stack
        self._digest = changes_digest(stack.secrets.root)
        self._releases = releases(stack.plan, stack.secrets.root, stack.secrets.projects)
        self._outside = outside_texts(stack.secrets.outside, stack.name.rpartition("/")[2])
        self._platform_secrets = PlatformSecrets(
            stack.secrets.root, [stack.plan.data.host, "127.0.0.1"], self._outside
        )
        self._told = Told(stack.plan, stack.live)
        child = pulumi.ResourceOptions(parent=self)
        agent = zipapp()
        self._servers = {
            server.name: self._server(server.name, agent, child) for server in stack.plan.servers
        }
        self._data = self._data_services(child)
        self._projects = self._declare_projects()
        self.outputs = self._outputs()
        self.register_outputs({})

    def _server(self, name: str, agent: bytes, opts: pulumi.ResourceOptions) -> Server:
        plan = self._stack.plan.server(name)
        document = json.dumps(host_bundle(self._stack.plan, plan, self._outside.keys()), sort_keys=True)
        bundle = resolve_json(document, self._platform_secrets.lookup)
        args = ServerArgs(
            target=self._stack.targets[name],
            agent=agent,
            bundle=bundle,
            summary=bundle_summary(json.loads(bundle), self._digest),
            earlier=partial(earlier_bundle, digest=self._digest),
            told=self._told,
            address=plan.address,
            roles=plan.roles,
        )
        return Server(name, args, opts)

    def _data_services(self, opts: pulumi.ResourceOptions) -> DataServices:
        plan, root = self._stack.plan.data, self._stack.secrets.root
        ports = {
            local_port(f"{self._stack.name}/{plan.server}/{service}"): port
            for service, port in (("postgres", plan.postgres_port), ("minio", plan.minio_port))
        }
        self._open_tunnel(plan.server, ports)
        near = {far: near for near, far in ports.items()}
        args = DataArgs(
            postgres_port=near[plan.postgres_port],
            postgres_user=names.POSTGRES_ADMIN,
            postgres_password=root.derive("postgres/admin"),
            minio_port=near[plan.minio_port],
            minio_user=names.MINIO_ADMIN,
            minio_password=root.derive("minio/admin"),
        )
        ready = pulumi.ResourceOptions(depends_on=[self._servers[plan.server].bundle])
        return DataServices(f"{plan.server}-data", args, pulumi.ResourceOptions.merge(opts, ready))

    def _open_tunnel(self, server: str, ports: Mapping[int, int]) -> None:
        """A preview can do without the tunnel, an update can't."""
        preview = pulumi.runtime.is_dry_run()
        wait = PREVIEW_WAIT_SECONDS if preview else UPDATE_WAIT_SECONDS
        try:
            open_tunnel(self._stack.targets[server], ports, wait, known=self._stack.previous is not None)
        except TunnelError as error:
            if not preview:
                raise pulumi.RunError(str(error)) from None
            pulumi.log.warn(f"{error}. The preview goes on without it; an update would stop here.")

    def _declare_projects(self) -> dict[str, Project]:
        kept = {retained.id: retained for retained in self._stack.plan.retained}
        running = {project.id: project for project in self._stack.plan.projects}
        options = pulumi.ResourceOptions(parent=self, providers=[self._data.postgres, self._data.minio])
        after = {
            key: [project.after] if (project := running.get(key)) and project.after else []
            for key in running | kept
        }
        declared: dict[str, Project] = {}
        for key in TopologicalSorter(after).static_order():
            args = self._project_args(key, running.get(key), kept.get(key))
            earlier = [release for other in after[key] for release in declared[other].releases]
            declared[key] = Project(key, replace(args, after=earlier), options)
        return declared

    def _project_args(self, key: str, project: ProjectPlan | None, kept: RetainedPlan | None) -> ProjectArgs:
        plan = self._stack.plan
        root = self._stack.secrets.root
        database: DatabasePlan | None = (project and project.database) or (kept and kept.database) or None
        buckets: tuple[BucketPlan, ...] = (project.buckets if project else ()) + (
            kept.buckets if kept else ()
        )
        lifecycle = project.lifecycle if project else kept.lifecycle if kept else "retain"
        return ProjectArgs(
            id=key,
            facts=_facts(project) if project else {"status": "retained"},
            database=database,
            database_password=root.derive(f"project/{key}/database"),
            buckets=buckets,
            storage_password=root.derive(f"project/{key}/storage"),
            keep_data=lifecycle == "retain",
            data_server=self._servers[plan.data.server],
            servers={name: self._servers[name] for name in project.servers} if project else {},
            releases=self._releases[key] if project else {},
            earlier=partial(earlier_release, digest=self._digest),
            told=self._told,
        )

    def _outputs(self) -> dict[str, Any]:
        plan = self._stack.plan
        entries = registry.planned_entries(plan)
        known = {
            key: pulumi.Output.all(*project.answers.values())
            for key, project in self._projects.items()
            if project.answers
        }
        before = registry.entries_of(self._stack.previous)
        for key, answers in known.items():
            answers.apply(partial(_warn, key, before.get(key, {}).get("warnings") or ()))
        document = pulumi.Output.all(**known).apply(partial(_registry, entries, self._stack))
        return {
            "registry": document,
            "projects": document.apply(_projects),
            "servers": {
                server.name: {"address": server.address, "roles": list(server.roles)}
                for server in plan.servers
            },
            "allocations": {project.id: _facts(project) for project in plan.projects},
            "caCertificate": self._platform_secrets.authority.certificate,
            "connections": self._connections(),
        }

    def _connections(self) -> dict[str, Any]:
        """How each project reaches its data, for its own team: what is secret is marked, value by value."""
        root, plan = self._stack.secrets.root, self._stack.plan
        found: dict[str, Any] = {}
        for project in plan.projects:
            environment = project_environment(plan, project, project_credentials(root, project.id))
            details = {name: environment[name] for name in CONNECTION_VARIABLES if name in environment}
            found[project.id] = {
                name: pulumi.Output.secret(value) if name in SECRET_VARIABLES else value
                for name, value in details.items()
            }
        return found


def remember(stack: Stack) -> None:
    """Register the planned registry as the stack's outputs before anything can fail.

    The engine keeps a stack's last registered outputs until the end of the run, and merges them with the old ones when the
    run fails: so ports and indexes handed out in a failed run are not handed out again. The outputs of a run that
    succeeds replace them.
    """
    live = stack.live.by_project(stack.plan)
    entries = registry.carried(registry.planned_entries(stack.plan), stack.previous, live)
    root = get_root_resource()
    if isinstance(root, pulumi.ComponentResource):
        root.register_outputs({"registry": registry.document(entries, stack.plan.leaving)})


def resolve_json(document: str, lookup: Callable[[str, str], str]) -> str:
    """Fill secret markers inside JSON text, each value escaped as JSON."""
    return resolve(document, lambda kind, purpose: json.dumps(lookup(kind, purpose))[1:-1])


def _facts(project: ProjectPlan) -> dict[str, Any]:
    """What a preview shows of a project: nothing secret."""
    return {
        "domain": project.domain,
        "ports": {"app": project.ports.app, "internal": project.ports.internal},
        "redis": str(project.cache) if project.cache else None,
        "database": project.database.name if project.database else None,
        "buckets": [bucket.name for bucket in project.buckets],
        "servers": list(project.servers),
    }


def _registry(
    entries: Mapping[str, registry.Entry], stack: Stack, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """The registry with what the hosts answered; an answer that an older run got may be out of date by now."""
    released = {
        key: registry.with_release(entry, *answers[key]) if key in answers else entry
        for key, entry in entries.items()
    }
    carried = registry.carried(released, stack.previous, stack.live.by_project(stack.plan))
    return registry.document(carried, stack.plan.leaving)


def _warn(project: str, before: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> None:
    """Repeat what agents warn of, once: an answer of an earlier run comes with each run."""
    for warning in registry.warnings(answers):
        if warning not in before:
            pulumi.log.warn(warning if warning.startswith(project) else f"{project}: {warning}")


def _projects(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {"url": f"https://{entry['domain']}", "health": entry["health"]["status"]}
        for key, entry in document["projects"].items()
        if entry["status"] != "retained"
    }
