"""The manifest of one project: seven sections, frozen, unknown keys refused.

Sizes are ints of bytes, durations ints of milliseconds; `model_dump(mode="json")` writes both as text again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from codeb.model import types as t
from codeb.model.features import Features
from codeb.model.hosts import Aliases
from codeb.model.problems import refusal, shown
from codeb.model.redirects import refuse_circles
from codeb.model.replicas import ReplicaCount, Replicas
from codeb.model.section import Section
from codeb.model.services import Cache, Database, Storage

MIB = 1 << 20
SECOND, MINUTE = 1000, 60_000


class Project(Section):
    """Who and what the project is."""

    id: t.ProjectId
    """Short name that database, buckets and units are derived from. It stays for the project's life."""
    name: t.DisplayText | None = None
    """Name for people, in any language. The id when left out."""
    description: t.Description | None = None
    """One line on what the project is for."""
    owner: t.DisplayText | None = None
    """Team or person to ask."""
    repository: t.WebUrl | None = None
    """Web address of the source code."""
    tags: t.Items[t.Tag] = ()
    """Labels for finding projects, for example food or b2b."""
    lifecycle: Literal["retain", "destroy"] = "retain"
    """What happens to database and buckets when the manifest is removed: retain keeps, destroy drops them."""


class Environment(Section):
    """Where the app is reached and what it runs with."""

    domain: t.DomainName
    """Host name that serves the app."""
    aliases: Aliases = ()
    """Further host names, with wildcards if you like; plain ones redirect to the domain, others may serve the app."""
    stage: Literal["production", "staging", "development"] = "production"
    """What this deployment is for."""
    image: t.ImageReference
    """Image of the app, with tag or digest."""
    port: t.Port = 3000
    """Port that the app listens on inside its container."""
    variables: Mapping[t.EnvName, t.EnvValue] = Field(
        default_factory=dict, max_length=200, json_schema_extra={"additionalProperties": False}
    )
    """Environment variables in plain text. Nothing secret belongs here."""
    secrets: t.Items[t.EnvName] = ()
    """Names of secret variables; their values are in the stack's vault, or its secret projectSecrets."""
    app_name: t.DisplayText | None = None
    """NEXT_PUBLIC_APP_NAME; the project's name when left out."""
    api_url: t.WebUrl | None = None
    """NEXT_PUBLIC_API_URL; https://<domain>/api when left out."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """All host names, the domain first."""
        return (self.domain, *(alias.host for alias in self.aliases))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for index, alias in enumerate(self.aliases):
            if alias.host in self.hosts[: index + 1]:
                cause = f"{shown(alias.host)} is {'the domain' if alias.host == self.domain else 'an alias'} already"
                raise refusal(cause, "Remove the alias.", at=("aliases", index))
        for name in self.secrets:
            if name in self.variables:
                remedy = "Keep it in secrets if it is secret, in variables if not."
                raise refusal(f"{name} is in variables and in secrets", remedy, at=("variables", name))
        return self


class Ports(Section):
    """The pair of host ports of a project; each colour has one."""

    app: t.HostPort
    """Port of the blue release on the host."""
    internal: t.HostPort
    """Port of the green release on the host."""

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.app == self.internal:
            raise refusal(f"both ports are {self.app}", "Write two different ports.", at=("internal",))
        return self


class Servers(Section):
    """Placement."""

    pool: t.PoolName = "default"
    """Pool of servers that runs the app."""
    replicas: ReplicaCount = Field(default=Replicas(), json_schema_extra={"default": 1})
    """Servers that run the app at the same time: a number, all of the pool, or as many as it has within a range as 2-4."""
    ports: Ports | None = None
    """Ports on the host; allocated when left out, which is what you want."""


class Resources(Section):
    """Limits of each running container, and the data services that the project uses."""

    cpu: Annotated[float, Field(ge=0.05, le=64)] = 1.0
    """CPU cores, fractions allowed."""
    memory: t.Memory = 512 * MIB
    """Memory, for example 512Mi."""
    pids: Annotated[int, Field(ge=16, le=32768)] = 256
    """Processes and threads."""
    read_only: bool = True
    """Whether the image's file system is read-only; /tmp is always writable."""
    database: Database = Database()
    """PostgreSQL."""
    cache: Cache = Cache()
    """Redis."""
    storage: Storage = Storage()
    """MinIO."""


class Health(Section):
    """When a release counts as healthy."""

    path: t.HttpPath = "/api/health"
    """Path that answers 200 when the app can work."""
    interval: t.Duration = 2 * SECOND
    """Time between two checks."""
    timeout: t.Duration = 5 * SECOND
    """Time after which a check counts as failed."""
    successes: Annotated[int, Field(ge=1, le=20)] = 3
    """Checks in a row that have to succeed before a release takes over."""
    max_response: t.Duration = 500
    """Slowest answer that still counts as healthy."""
    start_timeout: t.Duration = 2 * MINUTE
    """Time that a release has to become healthy; after it the previous one stays."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.max_response > self.timeout:
            remedy = "Write a max_response up to the timeout."
            raise refusal("answers are cut off at timeout, before max_response", remedy, at=("max_response",))
        if self.start_timeout < self.interval * self.successes:
            remedy = "Raise start_timeout or lower interval."
            raise refusal(
                "no release could become healthy: it takes interval x successes",
                remedy,
                at=("start_timeout",),
            )
        return self


class Alerts(Section):
    """When someone is told."""

    enabled: bool = True
    """Whether alerts are sent."""
    error_rate_percent: Annotated[float, Field(gt=0, le=100)] = 5.0
    """Share of requests that end in a 5xx status, over five minutes, that raises an alert."""
    response_ms: Annotated[int, Field(ge=1, le=60_000)] = 1000
    """95th percentile of the response time, in milliseconds, that raises an alert."""


class Monitoring(Section):
    """Health checks, alerts, metrics."""

    health: Health = Health()
    """Health check."""
    alerts: Alerts = Alerts()
    """Alerts."""
    sentry_project: t.SentryProject | None = None
    """Project in Sentry that is told of each release, when the stack has Sentry configured."""
    metrics_path: t.HttpPath = "/api/metrics"
    """Path of the Prometheus metrics, scraped when features.metrics is on; never served to the outside."""


class Backup(Section):
    """Backups of database and buckets."""

    enabled: bool = True
    """Whether the project is backed up."""
    schedule: t.OnCalendar = "daily"
    """When, as a systemd calendar expression."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 7
    """Days that a backup is kept."""
    point_in_time: bool = False
    """Whether the database can be restored to any moment of the retention."""


class Manifest(Section):
    """One project of the platform. The smallest manifest is an id, a domain and an image."""

    project: Project
    """Who and what the project is."""
    environment: Environment
    """Where the app is reached and what it runs with."""
    servers: Servers = Servers()
    """Placement."""
    resources: Resources = Resources()
    """Limits and data services."""
    features: Features = Features()
    """What the app switches on."""
    monitoring: Monitoring = Monitoring()
    """Health checks, alerts, metrics."""
    backup: Backup = Backup()
    """Backups."""

    @property
    def id(self) -> str:
        """The project's id."""
        return self.project.id

    @property
    def display_name(self) -> str:
        """The project's name for people."""
        return self.project.name or self.project.id

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.backup.point_in_time and not (self.backup.enabled and self.resources.database.enabled):
            remedy = "Enable backup and resources.database, or set backup.point_in_time to false."
            raise refusal("there is no database backup", remedy, at=("backup", "point_in_time"))
        refuse_circles(self.features.redirects, self.environment.hosts)
        return self
