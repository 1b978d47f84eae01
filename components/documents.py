"""The agent's documents of all projects, secrets included, made before anything is declared: one run tells every problem."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.project.spec_reader import read_release
from codeb.changes import Digest, Summary, bundle_summary, release_marks, release_summary
from codeb.plan import Plan, ProjectPlan
from codeb.render import project_environment, release_document
from codeb.secrets import RootSecret, project_credentials


@dataclass(frozen=True)
class Release:
    """What one server is sent for a project, and what it says without secrets."""

    document: Mapping[str, Any] = field(repr=False)
    summary: Summary


def releases(
    plan: Plan, root: RootSecret, supplied: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Release]]:
    """Project → server → its release.

    Raises:
        pulumi.RunError: an agent would refuse a document.
    """
    digest = changes_digest(root)
    found: dict[str, dict[str, Release]] = {}
    problems = []
    for project in plan.projects:
        try:
            found[project.id] = dict(_of_project(plan, project, root, supplied.get(project.id, {}), digest))
        except BadDocument as error:
            problems.append(f"{project.id}: {error}")
    if problems:
        raise pulumi.RunError("\n".join(problems))
    return found


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


def changes_digest(root: RootSecret) -> Digest:
    """By what summaries tell that something secret changed."""
    return Digest(root.seed("platform/changes"))


def _of_project(
    plan: Plan, project: ProjectPlan, root: RootSecret, supplied: Mapping[str, str], digest: Digest
) -> Iterator[tuple[str, Release]]:
    credentials = project_credentials(root, project.id, supplied)
    environment = project_environment(plan, project, credentials)
    for server in project.servers:
        document = release_document(plan, project, plan.server(server), environment)
        if project.cache is not None:
            admin = root.derive(project.cache.redis.admin_purpose)
            document["cache"] |= {"password": credentials.cache_password, "admin_password": admin}
        fingerprint = read_release(Reader(document, "")).fingerprint()
        yield server, Release(document, release_summary(project, document, fingerprint, digest))
