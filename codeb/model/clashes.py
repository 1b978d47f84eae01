"""Checks between manifests: what two projects claim at once, and what the stack's settings don't have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from codeb import names
from codeb.model.document import Document
from codeb.model.features import Features
from codeb.model.hosts import is_wildcard, wildcard_over
from codeb.model.manifest import Environment, Project, Resources, Servers
from codeb.model.problems import Location, Problem, shown
from codeb.model.settings import Settings

_HOST_NAME: Final = "host name"


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
    hosts = settings.own_hosts if settings else ()
    pools, orders = (settings.app_pools, settings.orders) if settings else (frozenset[str](), False)
    owners = _Owners({(_HOST_NAME, host): "the platform" for host in hosts})
    for claimant in claimants:
        document = claimant.document
        if pools and claimant.servers and claimant.servers.pool not in pools:
            known = ", ".join(sorted(pools))
            cause = f"no app server is in pool {shown(claimant.servers.pool)}"
            yield document.problem(("servers", "pool"), cause, f"Write one of: {known}.")
        mine: dict[tuple[str, str], str] = {}
        told: set[Location] = set()
        for claim in _claims(claimant):
            taken = _taken(claim, owners)
            if taken and claim.path not in told:  # the first one says what to change
                told.add(claim.path)
                yield document.problem(claim.path, taken, claim.remedy)
            mine[claim.kind, claim.value] = document.place(claim.path)
        owners.add(mine)
        if orders and claimant.environment:
            yield from _unsigned(document, claimant.environment)


class _Owners:
    """Whose each claim is, by kind and value, in the order of manifests: who comes first has it."""

    def __init__(self, first: Mapping[tuple[str, str], str]) -> None:
        self._owners: dict[tuple[str, str], str] = {}
        self._below: dict[str, str] = {}
        self.add(first)

    def add(self, claims: Mapping[tuple[str, str], str]) -> None:
        """Whoever has one of them already keeps it."""
        for (kind, value), owner in claims.items():
            self._owners.setdefault((kind, value), owner)
            if kind == _HOST_NAME and (over := wildcard_over(value)):
                self._below.setdefault(over, value)

    def get(self, kind: str, value: str) -> str | None:
        """Who has this."""
        return self._owners.get((kind, value))

    def below(self, wildcard: str) -> str | None:
        """A name of somebody's that falls under a wildcard."""
        return self._below.get(wildcard)


def _taken(claim: _Claim, owners: _Owners) -> str | None:
    """Whose it is. Nobody gets a wildcard over another one's name: should that one's site go, its visitors, with their
    cookies, would be the wildcard's."""
    if owner := owners.get(claim.kind, claim.value):
        return f"{claim.kind} {shown(claim.value)} belongs to {owner}"
    if claim.kind != _HOST_NAME:
        return None
    over = wildcard_over(claim.value)
    other = over or owners.below(claim.value)
    owner = owners.get(_HOST_NAME, other) if other else None
    if owner is None:
        return None
    wide, one = (over, claim.value) if over else (claim.value, other)
    return f"{claim.kind} {shown(claim.value)} overlaps {shown(other)} of {owner}: {wide} would get {one}'s visitors"


def _unsigned(document: Document, environment: Environment) -> Iterator[Problem]:
    """Wildcards that nobody signs: Let's Encrypt and others want a DNS challenge for them, for which Caddy would need a
    plugin of the DNS provider's."""
    for index, alias in enumerate(environment.aliases):
        if is_wildcard(alias.host):
            cause = f"no certificate can be ordered for {shown(alias.host)}, as tlsIssuer acme proves names one by one"
            remedy = "Name each host, or set codeb:tlsIssuer to internal, or end TLS at the balancer (tls: terminate)."
            yield document.problem(("environment", "aliases", index), cause, remedy)


def _claims(claimant: Claimant) -> Iterator[_Claim]:
    if project := claimant.project:
        path: Location = ("project", "id")
        yield _Claim("id", project.id, path, "Give each project its own id.")
        buckets = claimant.resources.storage.buckets if claimant.resources else ()
        jobs = claimant.features.cron if claimant.features else ()
        workers = claimant.features.workers if claimant.features else ()
        derived = names.claims(
            project.id,
            bucket_suffixes=[bucket.suffix for bucket in buckets],
            cron_names=[job.name for job in jobs],
            worker_names=[worker.name for worker in workers],
        )
        for kind, values in derived.items():
            for value in values:
                yield _Claim(kind, value, path, f"The id leads to this {kind}; choose another id.")
    if environment := claimant.environment:
        remedy = "A host name serves one project; choose another."
        yield _Claim(_HOST_NAME, environment.domain, ("environment", "domain"), remedy)
        for index, alias in enumerate(environment.aliases):
            yield _Claim(_HOST_NAME, alias.host, ("environment", "aliases", index), remedy)
    if claimant.servers and claimant.servers.ports:
        for name in ("app", "internal"):
            port = getattr(claimant.servers.ports, name)
            remedy = "Choose a free port, or leave servers.ports out to have a pair allocated."
            yield _Claim(
                "host port", f"{port} of pool {claimant.servers.pool}", ("servers", "ports", name), remedy
            )
