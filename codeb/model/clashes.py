"""Checks between manifests: what two projects claim at once, and what the stack's settings don't have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from codeb import names
from codeb.model.document import Document
from codeb.model.features import Features
from codeb.model.manifest import Environment, Project, Resources, Servers
from codeb.model.problems import Location, Problem, shown
from codeb.model.settings import Settings


@dataclass(frozen=True)
class Claimant:
    """One manifest's claims; a section with errors of its own is None."""

    document: Document
    project: Project | None
    environment: Environment | None
    servers: Servers | None
    resources: Resources | None
    features: Features | None

    SECTIONS: ClassVar = ("project", "environment", "servers", "resources", "features")


@dataclass(frozen=True)
class _Claim:
    """Something that only one project can have: `kind` and `value`, e.g. `domain` `blog.lab.test`."""

    kind: str
    value: str
    path: Location
    remedy: str


def clashes(claimants: Iterable[Claimant], settings: Settings | None) -> Iterator[Problem]:
    """Problems of every manifest that claims what an earlier one, or the platform, has."""
    hosts = settings.platform_hosts if settings else {}
    owners: dict[tuple[str, str], str] = {("host name", host): "the platform" for host in hosts.values()}
    for claimant in claimants:
        document = claimant.document
        if (
            settings
            and settings.app_pools
            and claimant.servers
            and claimant.servers.pool not in settings.app_pools
        ):
            known = ", ".join(sorted(settings.app_pools))
            cause = f"no app server is in pool {shown(claimant.servers.pool)}"
            yield document.problem(("servers", "pool"), cause, f"Write one of: {known}.")
        mine: dict[tuple[str, str], str] = {}
        told: set[Location] = set()
        for claim in _claims(claimant):
            key = (claim.kind, claim.value)
            owner = owners.get(key)
            if owner and claim.path not in told:  # the first one says what to change
                told.add(claim.path)
                cause = f"{claim.kind} {shown(claim.value)} belongs to {owner}"
                yield document.problem(claim.path, cause, claim.remedy)
            mine[key] = document.place(claim.path)
        owners = mine | owners


def _claims(claimant: Claimant) -> Iterator[_Claim]:
    if project := claimant.project:
        path: Location = ("project", "id")
        yield _Claim("id", project.id, path, "Give each project its own id.")
        buckets = claimant.resources.storage.buckets if claimant.resources else ()
        jobs = claimant.features.cron if claimant.features else ()
        derived = names.claims(
            project.id,
            bucket_suffixes=[bucket.suffix for bucket in buckets],
            cron_names=[job.name for job in jobs],
        )
        for kind, values in derived.items():
            for value in values:
                yield _Claim(kind, value, path, f"The id leads to this {kind}; choose another id.")
    if environment := claimant.environment:
        remedy = "A host name serves one project; choose another."
        yield _Claim("host name", environment.domain, ("environment", "domain"), remedy)
        for index, alias in enumerate(environment.aliases):
            yield _Claim("host name", alias, ("environment", "aliases", index), remedy)
    if claimant.servers and claimant.servers.ports:
        for name in ("app", "internal"):
            port = getattr(claimant.servers.ports, name)
            remedy = "Choose a free port, or leave servers.ports out to have a pair allocated."
            yield _Claim(
                "host port", f"{port} of pool {claimant.servers.pool}", ("servers", "ports", name), remedy
            )
