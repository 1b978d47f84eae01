"""The whole stack: servers, data services, projects, and the outputs that other teams read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

import pulumi
from pulumi.runtime.settings import get_root_resource

from codeb import names, registry
from codeb.outputs import versions_of
from codeb.outputs.stack import CONNECTION_VARIABLES, SECRET_VARIABLES
from codeb.plan import BucketPlan, Plan, ProjectPlan, RetainedPlan
from codeb.plan.monitored import monitoring_places, monitoring_server
from codeb.plan.places import Known, data_places
from codeb.render import final_document, project_environment, storage_needs, with_storage_keys
from codeb.secrets import PlatformSecrets, project_credentials
from components.backup import Backup, BackupArgs
from components.caches import cache_args
from components.config import Stack
from components.data import DataArgs, DataServices
from components.databases import DatabasesArgs
from components.documents import Drafts, changes_digest, earlier_release, releases, rotation_of, routes_of
from components.objects import project_objects
from components.project import Project, ProjectArgs
from components.project_keys import backup_keys, database_passwords, storage_keys
from components.servers import Servers
from components.settled import settled, to_settle
from components.told import Told
from components.tunnels import Tunnels, managed_postgres
from components.watching import Watching, WatchingArgs


class Platform(pulumi.ComponentResource):
    """Declares every resource of a stack; `outputs` are the stack's."""

    outputs: dict[str, Any]

    def __init__(self, name: str, stack: Stack, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:platform:Platform", name, None, opts)
        self._stack = stack
        self._digest = changes_digest(stack.secrets.root)
        self._drafts = Drafts(stack.plan)
        self._releases = releases(self._drafts, stack.secrets.root, stack.secrets.projects)
        self._told = Told(stack.plan, stack.live)
        child = pulumi.ResourceOptions(parent=self)
        self._servers = Servers(name, stack, self._drafts, self._told, child)
        self._tunnels = Tunnels(stack, self._servers)
        self._data = self._data_services(child)
        self._managed = managed_postgres(self._tunnels, self._servers, child)
        self._declare_backup()
        self._declare_watching()
        self._projects = self._declare_projects()
        self._settle()
        self._servers.open(self._sites())
        self.outputs = self._outputs()
        self.register_outputs({})

    def _data_services(self, opts: pulumi.ResourceOptions) -> DataServices:
        plan, root = self._stack.plan.data, self._stack.secrets.root
        numbers = self._stack.plan.settings.rotation
        ports = {
            self._tunnels.near(service): port
            for service, port in (("postgres", plan.postgres_port), ("minio", plan.minio_port))
        }
        ready = self._tunnels.through(ports)
        near = {far: near for near, far in ports.items()}
        args = DataArgs(
            postgres_port=near[plan.postgres_port],
            postgres_user=names.POSTGRES_ADMIN,
            postgres_password=root.derive("postgres/admin", numbers.postgres),
            minio_port=near[plan.minio_port],
            minio_user=names.minio_admin(numbers.minio),
            minio_password=root.derive("minio/admin", numbers.minio),
        )
        waiting = pulumi.ResourceOptions(depends_on=[ready])
        return DataServices(f"{plan.server}-data", args, pulumi.ResourceOptions.merge(opts, waiting))

    def _declare_backup(self) -> None:
        plan, root = self._stack.plan.data, self._stack.secrets.root
        number = self._stack.plan.settings.rotation.backup
        args = BackupArgs(self._servers[plan.server], backup_keys(root, number))
        Backup("backup", args, pulumi.ResourceOptions(parent=self, providers=[self._data.minio]))

    def _declare_watching(self) -> None:
        plan, root = self._stack.plan, self._stack.secrets.root
        if monitoring_server(plan) is None:
            return
        args = WatchingArgs(self._servers[plan.data.server], root.derive("monitoring/minio"))
        Watching("watching", args, pulumi.ResourceOptions(parent=self, providers=[self._data.minio]))

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

    def _settle(self) -> None:
        """Once every release has the later passwords, the earlier ones of administrators go."""
        plan = self._stack.plan
        before = registry.entries_of(self._stack.previous)
        if not to_settle(plan, before):
            return
        server = plan.data.server
        after = [release for project in self._projects.values() for release in project.releases]
        settled(server, self._servers.admins(), self._servers[server], after, self)

    def _sites(self) -> dict[str, list[pulumi.Resource]]:
        """By server what of projects is there, one resource each."""
        found: dict[str, list[pulumi.Resource]] = {}
        for project in self._projects.values():
            for server, resource in project.sites.items():
                found.setdefault(server, []).append(resource)
        return found

    def _project_args(self, key: str, project: ProjectPlan | None, kept: RetainedPlan | None) -> ProjectArgs:
        plan = self._stack.plan
        root = self._stack.secrets.root
        buckets: tuple[BucketPlan, ...] = (project.buckets if project else ()) + (
            kept.buckets if kept else ()
        )
        lifecycle = project.lifecycle if project else kept.lifecycle if kept else "retain"
        routes = routes_of(self._drafts, project) if project else {}
        return ProjectArgs(
            id=key,
            facts=_facts(project) if project else {"status": "retained"},
            databases=self._databases(key, project, kept, keep=lifecycle == "retain"),
            cache=cache_args(project, self._servers, plan.data.server, root),
            buckets=buckets,
            storage_keys=storage_keys(root, key, project.manifest.resources.storage.rotation)
            if project
            else (),
            keep_data=lifecycle == "retain",
            final=final_document(project) if project and project.dropped else "",
            data_server=self._servers[plan.data.server],
            servers={name: self._servers[name] for name in project.servers} if project else {},
            releases=self._releases[key] if project else {},
            edges={name: self._servers[name] for name in routes},
            routes=routes,
            earlier=partial(earlier_release, digest=self._digest),
            told=self._told,
            places=self._servers.places,
            objects=project_objects(
                key,
                (project.objects if project else None) or (kept.objects if kept else None),
                self._servers.objects,
                buckets,
                pulumi.ResourceOptions(parent=self),
                keep_data=lifecycle == "retain",
            ),
        )

    def _databases(
        self, key: str, project: ProjectPlan | None, kept: RetainedPlan | None, *, keep: bool
    ) -> DatabasesArgs:
        holder = project if project and project.database else kept
        database = holder.database if holder else None
        root = self._stack.secrets.root
        return DatabasesArgs(
            project=key,
            used=database,
            beside=holder.beside if holder else None,
            passwords=database_passwords(root, key, database) if database else {},
            keep_data=keep,
            gone_with=self._servers[self._stack.plan.data.server].bundle,
            managed=self._managed,
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
        found = {
            "registry": document,
            "projects": document.apply(_projects),
            "servers": self._servers.facts(),
            "allocations": {project.id: _facts(project) for project in plan.projects},
            "caCertificate": PlatformSecrets(self._stack.secrets.root, []).authority.certificate,
            "connections": self._connections(),
            **self._servers.fleet_facts(),
            **_monitoring(plan),
        }
        return found | {"versions": versions_of(found)}

    def _connections(self) -> dict[str, Any]:
        """How each project reaches its data, for its own team: what is secret is marked, value by value."""
        example = self._drafts.at(self._drafts.examples)
        places = {
            each.id: " ".join(
                [example.data.host, *data_places(each), storage_needs(each, self._drafts.examples)]
            )
            for each in example.projects
        }
        return {
            key: self._servers.places.when_known(
                self._drafts.needs(place), partial(self._connection_details, key)
            )
            for key, place in places.items()
        }

    def _connection_details(self, project_id: str, known: Known) -> dict[str, Any]:
        plan = self._drafts.at(known)
        project = plan.project(project_id)
        root = self._stack.secrets.root
        credentials = project_credentials(root, project_id, rotation=rotation_of(project))
        environment = project_environment(plan, project, with_storage_keys(project, credentials, known))
        return {
            name: pulumi.Output.secret(environment[name]) if name in SECRET_VARIABLES else environment[name]
            for name in CONNECTION_VARIABLES
            if name in environment
        }


def remember(stack: Stack) -> None:
    """Register the planned registry as the stack's outputs before anything can fail.

    The engine keeps a stack's last registered outputs until the end of the run, and merges them with the old ones when the
    run fails: so ports and indexes handed out in a failed run are not handed out again. The outputs of a run that
    succeeds replace them. A number of servers that this run is asked for is kept as tried, until it is there.
    """
    live = stack.live.by_project(stack.plan)
    entries = registry.carried(registry.planned_entries(stack.plan), stack.previous, live)
    entries = registry.with_backups(entries, stack.previous, stack.live.backups)
    root = get_root_resource()
    if isinstance(root, pulumi.ComponentResource):
        root.register_outputs(
            {"registry": registry.document(entries, stack.plan.leaving, stack.plan.kept.begun)}
        )


def _monitoring(plan: Plan) -> dict[str, Any]:
    """The output `monitoring`, of a stack that is watched."""
    server = monitoring_server(plan)
    if server is None:
        return {}
    console = f"https://{plan.settings.platform_hosts['console']}/"
    return {"monitoring": {"server": server.name, "console": console, **monitoring_places(plan)}}


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
    said = {key: answers[key] for key in entries if key in answers}  # of none at all it is a list
    given = {key: [each for each in found if each] for key, found in said.items() if found[0]}
    released = {
        key: registry.with_release(entry, *given[key]) if key in given else entry
        for key, entry in entries.items()
    }
    carried = registry.carried(released, stack.previous, stack.live.by_project(stack.plan))
    saved = registry.with_backups(carried, stack.previous, stack.live.backups)
    return registry.document(saved, stack.plan.leaving, stack.plan.kept)


def _warn(project: str, before: Sequence[str], answers: Sequence[Mapping[str, Any] | None]) -> None:
    """Repeat what agents warn of, once: an answer of an earlier run comes with each run."""
    for warning in registry.warnings(answer for answer in answers if answer):
        if warning not in before:
            pulumi.log.warn(warning if warning.startswith(project) else f"{project}: {warning}")


def _projects(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {"url": f"https://{entry['domain']}", "health": entry["health"]["status"]}
        for key, entry in document["projects"].items()
        if entry["status"] != "retained"
    }
