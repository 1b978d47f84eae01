"""The manifest's section `features`: what the app switches on, and how its releases go."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from codeb.model import types as t
from codeb.model.headers import Headers
from codeb.model.problems import refusal
from codeb.model.protect import Protect
from codeb.model.redirects import Redirects
from codeb.model.section import Section, refuse_repeated

MIB = 1 << 20
MINUTE = 60_000


class CronJob(Section):
    """A command that runs on a schedule, in the app's image and with its environment."""

    name: t.CronName
    """Name of the job, unique in the project."""
    schedule: t.OnCalendar
    """When it runs, as a systemd calendar expression in UTC unless it names a time zone."""
    command: t.Arguments
    """Program and arguments as a list; no shell reads them."""


class Worker(Section):
    """Processes without HTTP, in the app's image and with its environment. They are part of each release."""

    name: t.WorkerName
    """Name of the worker, unique in the project."""
    command: t.Arguments
    """Program and arguments as a list; no shell reads them."""
    replicas: Annotated[int, Field(ge=1, le=32)] = 1
    """Number of processes in all, spread over the project's servers."""
    stop_timeout: t.EndTime = 30_000
    """Time that it has to end after SIGTERM."""
    exclusive: bool = False
    """Whether there never are two at once: at a release the old one ends before the new one starts."""
    memory: t.Memory | None = None
    """Memory of each process; resources.memory when left out."""

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if self.exclusive and self.replicas > 1:
            remedy = "Leave replicas out, or exclusive."
            raise refusal("an exclusive worker runs once", remedy, at=("replicas",))
        return self


class Maintenance(Section):
    """While it is there, visitors get a page with status 503 instead of the app."""

    message: t.Description = "We are working on it and will be back soon."
    """What the page says."""
    retry_after: t.Duration = 5 * MINUTE
    """When clients should come back (Retry-After), rounded up to whole seconds."""


class Features(Section):
    """What the app switches on."""

    websockets: bool = Field(default=False, json_schema_extra={"deprecated": True})
    """No effect, and accepted for manifests that have it: WebSockets need no switch."""
    max_upload: t.Size = 10 * MIB
    """Largest request body that is let through."""
    cron: Annotated[tuple[CronJob, ...], Field(strict=False, max_length=50)] = ()
    """Jobs that run on a schedule."""
    workers: Annotated[tuple[Worker, ...], Field(strict=False, max_length=20)] = ()
    """Processes that run beside the app: queues and the like."""
    metrics: bool = False
    """Whether the app offers Prometheus metrics at monitoring.metrics_path."""
    tracing: bool = False
    """Whether the app sends traces: it finds where to in OTEL_EXPORTER_OTLP_ENDPOINT."""
    release_command: t.Arguments | None = None
    """Program and arguments, run once in the new image before it starts: migrations. A failure stops the release."""
    release_timeout: t.Duration = 10 * MINUTE
    """Time that the release command may take."""
    canary: t.Items[Annotated[int, Field(ge=1, le=100)]] = ()
    """Percents of the requests that a new release gets step by step before it gets all: [5, 25, 100]."""
    canary_wait: t.Duration = MINUTE
    """Time at each step."""
    canary_error_percent: Annotated[float, Field(gt=0, le=100)] = 5.0
    """Share of the new release's answers with a 5xx status above which it is rolled back."""
    maintenance: Maintenance | None = None
    """Maintenance mode: on while this is there."""
    protect: Protect | None = None
    """Who gets to see the app; everybody when left out."""
    redirects: Redirects = ()
    """Paths whose visitors are sent elsewhere; the most specific one counts."""
    headers: Headers = Headers()
    """Headers of answers that Caddy sets or takes away."""

    @property
    def canary_steps(self) -> tuple[int, ...]:
        """The steps below 100 percent; the last one, all, is the switch itself."""
        return tuple(percent for percent in self.canary if percent < 100)

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        refuse_repeated([job.name for job in self.cron], "cron", "name")
        refuse_repeated([worker.name for worker in self.workers], "workers", "name")
        return self

    @model_validator(mode="after")
    def _growing_canary(self) -> Self:
        for index in range(1, len(self.canary)):
            if self.canary[index] < self.canary[index - 1]:
                cause = f"{self.canary[index]} comes after {self.canary[index - 1]}"
                raise refusal(
                    cause, "Write growing percents, for example [5, 25, 100].", at=("canary", index)
                )
        return self
