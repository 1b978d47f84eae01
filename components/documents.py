"""The agent's documents of all projects, secrets included, made before anything is declared: one run tells every problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pulumi

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.project.spec_reader import read_release
from codeb.changes import Digest, Summary, bundle_summary, release_marks, release_summary
from codeb.plan import Plan, ProjectPlan
from codeb.plan.places import Known, examples, settled
from codeb.plan.routes import routed
from codeb.render import project_environment, release_document, route_document, with_storage_keys
from codeb.secrets import ProjectCredentials, RootSecret, Rotation, project_credentials

Document = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """What one server is sent for a project, and what it says without secrets.

    `make` makes the document of what is known of `needs` (`codeb.plan.places`), nothing on servers that exist already.
    """

    make: Callable[[Known], Document] = field(repr=False)
    needs: frozenset[str]
    summary: Summary


class Drafts:
    """A plan with what is known so far of its machines' addresses; what several documents ask for is made once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.examples = examples(plan)
        self._made: dict[frozenset[tuple[str, str]], Plan] = {}

    def at(self, known: Known) -> Plan:
        """The plan with these addresses in it."""
        key = frozenset(known.items())
        if key not in self._made:
            self._made[key] = settled(self.plan, known) if known else self.plan
        return self._made[key]

    def needs(self, draft: str) -> frozenset[str]:
        """The markers that a text made with `examples` needs."""
        return frozenset(marker for marker, example in self.examples.items() if example in draft)


def releases(
    drafts: Drafts, root: RootSecret, supplied: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Release]]:
    """Project → server → its release.

    Raises:
        pulumi.RunError: an agent would refuse a document.
    """
    digest = changes_digest(root)
    found: dict[str, dict[str, Release]] = {}
    problems = []
    for project in drafts.plan.projects:
        given = supplied.get(project.id, {})
        credentials = project_credentials(root, project.id, given, rotation_of(project))
        make = partial(release, drafts, project.id, root, credentials)
        try:
            found[project.id] = {
                server: _release(drafts, project, partial(make, server), digest) for server in project.servers
            }
        except BadDocument as error:
            problems.append(f"{project.id}: {error}")
    if problems:
        raise pulumi.RunError("\n".join(problems))
    return found


def release(
    drafts: Drafts,
    project_id: str,
    root: RootSecret,
    credentials: ProjectCredentials,
    server: str,
    known: Known,
) -> Document:
    """The document of a project's release on a server, secrets included."""
    plan = drafts.at(known)
    project = plan.project(project_id)
    environment = project_environment(plan, project, with_storage_keys(project, credentials, known))
    document = release_document(plan, project, plan.server(server), environment)
    if project.cache is not None:
        document["cache"]["password"] = credentials.cache_password
    if project.cache is not None and not project.cache.managed:
        admin = root.derive(project.cache.redis.admin_purpose, plan.settings.rotation.redis)
        document["cache"]["admin_password"] = admin
    return document


def _release(
    drafts: Drafts, project: ProjectPlan, make: Callable[[Known], Document], digest: Digest
) -> Release:
    draft = make(drafts.examples)
    fingerprint = read_release(Reader(draft, "")).fingerprint()
    summary = release_summary(project, draft, fingerprint, digest)
    needs = drafts.needs(json.dumps(draft)) if drafts.examples else frozenset()
    return Release(make if needs else lambda _: draft, needs, summary)


@dataclass(frozen=True)
class Route:
    """What an edge is sent of a project that it doesn't run, `secret` when that has logins; the rest as of a release."""

    make: Callable[[Known], Document]
    needs: frozenset[str]
    secret: bool = False


def routes_of(drafts: Drafts, project: ProjectPlan) -> dict[str, Route]:
    """Edge → what it is sent of the project."""
    found = {}
    for edge in routed(drafts.plan, project):
        make = partial(route, drafts, project.id, edge.name)
        protect = project.manifest.features.protect
        has_logins = protect is not None and bool(protect.users)
        found[edge.name] = Route(make, drafts.needs(json.dumps(make(drafts.examples))), has_logins)
    return found


def route(drafts: Drafts, project_id: str, edge: str, known: Known) -> Document:
    """The document of `codeb-agent route`."""
    plan = drafts.at(known)
    return route_document(plan, plan.project(project_id), plan.server(edge))


def earlier_release(text: str, digest: Digest) -> Summary:
    """The marks of a document that an older version sent; none of one that this version doesn't understand."""
    try:
        document = json.loads(text)
        fingerprint = read_release(Reader(document, "")).fingerprint()
    except (ValueError, BadDocument):
        return {}
    return release_marks(document, fingerprint, digest)


def earlier_bundle(text: str, digest: Digest) -> Summary:
    """The files of a bundle that an older version sent."""
    try:
        return bundle_summary(json.loads(text), digest)
    except (ValueError, KeyError, TypeError):
        return {}


def rotation_of(project: ProjectPlan) -> Rotation:
    """The numbers of the project's keys, as its manifest has them."""
    resources = project.manifest.resources
    return Rotation(resources.database.rotation, resources.cache.rotation, resources.storage.rotation)


def changes_digest(root: RootSecret) -> Digest:
    """By what summaries tell that something secret changed."""
    return Digest(root.seed("platform/changes"))
