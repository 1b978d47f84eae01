"""A project's release: units of both colours, cron jobs, network and site, as the document of `codeb-agent
release`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import gcd
from typing import Any, Final

from codeb import names
from codeb.model import CronJob
from codeb.plan import Plan, ProjectPlan, ServerPlan
from codeb.render.cache import cache_rules
from codeb.render.environment import secret_variables
from codeb.render.maintenance import maintenance_page
from codeb.render.quote import has_several_lines
from codeb.render.text import render

_LOOPBACK: Final = "127.0.0.1"
_ZONE: Final = re.compile(r"\S+ .*?[A-Za-z]+(/[A-Za-z0-9_+-]+)*")

Document = dict[str, Any]


def release_document(
    plan: Plan,
    project: ProjectPlan,
    server: ServerPlan | None = None,
    environment: Mapping[str, str] | None = None,
) -> Document:
    """The release on `server` (the project's first one when left out) with this environment.

    `cache` lacks its passwords: the caller adds them just before the document leaves. The site is part of it where the
    server takes requests from outside itself.
    """
    server = server or plan.server(project.servers[0])
    publish = _LOOPBACK if server.has("edge") else server.private_address
    variables = environment or {}
    module = any(has_several_lines(value) for value in variables.values())
    return {
        "version": 1,
        "project": project.id,
        "image": project.manifest.environment.image,
        "pull": "missing",
        "ports": {colour: project.ports.of(colour) for colour in names.COLOURS},
        "publish": publish,
        "units": {
            "network": _unit(names.network_unit(project.id), _network(project)),
            **{colour: _colour(project, colour, publish, module) for colour in names.COLOURS},
            "cron": [_cron(project, job, module) for job in project.manifest.features.cron],
        },
        "site": site(project) if server.has("edge") else None,
        "domain": project.domain,
        "ceded": list(project.ceded),
        "environment": dict(variables),
        "cache": _cache(project),
        "health": _health(project),
        "standby_minutes": plan.settings.standby_minutes,
        # Run once in all: by the first server, which the others' releases wait for.
        "job": _job(project, module) if server.name == project.servers[0] else None,
        "canary": _canary(project),
        "maintenance": _maintenance(project),
        "sentry_project": project.manifest.monitoring.sentry_project,
        "stage": project.manifest.environment.stage,
        "secret": secret_variables(project),
    }


def remove_document(project_id: str) -> Document:
    """The document of `codeb-agent remove`: stop the project and take its units and site away."""
    return {"version": 1, "project": project_id}


def site(project: ProjectPlan) -> str:
    """The project's part of Caddy's configuration; which colour serves is in the upstream file, not here."""
    return render(
        "caddy/site.caddy",
        id=project.id,
        domain=project.domain,
        aliases=project.aliases,
        metrics_path=project.manifest.monitoring.metrics_path,
        max_upload=project.manifest.features.max_upload,
        upstream_file=names.upstream_file(project.id),
        maintenance_dir=names.MAINTENANCE_DIR,
        canaries_dir=names.CANARIES_DIR,
        canary_steps=[(step, _weights(step)) for step in project.manifest.features.canary_steps],
    )


def _weights(percent: int) -> str:
    """Caddy's smallest weights of old and new release: it sends as many requests in a row to each as they say."""
    common = gcd(100, percent)
    return f"{(100 - percent) // common} {percent // common}"


def _unit(name: str, content: str) -> Document:
    return {"name": name, "content": content}


def _network(project: ProjectPlan) -> str:
    return render("project/project.network", id=project.id, network=names.network(project.id))


def _common(project: ProjectPlan) -> dict[str, object]:
    resources = project.manifest.resources
    return {
        "id": project.id,
        "network": names.network(project.id),
        "ca_file": names.CA_FILE,
        "read_only": resources.read_only,
        "pids": resources.pids,
        "memory": resources.memory,
        "cpu": resources.cpu,
    }


def _files(project: ProjectPlan, whose: names.Whose, module: bool) -> dict[str, str | None]:
    """`module`: whether a variable has several lines, which are in a file of their own."""
    return {
        "module_file": names.module_file(project.id, whose) if module else None,
        "environment_file": names.environment_file(project.id, whose),
        "digest_file": names.digest_file(project.id, whose),
    }


def _colour(project: ProjectPlan, colour: names.Colour, publish: str, module: bool) -> Document:
    content = render(
        "project/app.container",
        **_common(project),
        service=names.service(project.id, colour),
        colour=colour,
        **_files(project, colour, module),
        publish=publish,
        host_port=project.ports.of(colour),
        port=project.manifest.environment.port,
    )
    return _unit(names.container_unit(project.id, colour), content)


def _cron(project: ProjectPlan, job: CronJob, module: bool) -> Document:
    container, timer = names.cron_units(project.id, job.name)
    content = render(
        "project/cron.container",
        **_common(project),
        service=names.cron_service(project.id, job.name),
        name=job.name,
        **_files(project, "active", module),
        command=job.command,
    )
    schedule = render("project/cron.timer", id=project.id, name=job.name, schedule=_in_utc(job.schedule))
    return {"container": _unit(container, content), "timer": _unit(timer, schedule)}


def _job(project: ProjectPlan, module: bool) -> Document | None:
    features = project.manifest.features
    if features.release_command is None:
        return None
    service = names.job_service(project.id)
    content = render(
        "project/job.container",
        **_common(project),
        service=service,
        **_files(project, "candidate", module),
        command=features.release_command,
        timeout_s=_seconds(features.release_timeout),
    )
    return {"unit": _unit(f"{service}.container", content), "timeout_ms": features.release_timeout}


def _canary(project: ProjectPlan) -> Document | None:
    features = project.manifest.features
    if not features.canary_steps:
        return None
    return {
        "steps": list(features.canary_steps),
        "wait_ms": features.canary_wait,
        "max_error_percent": features.canary_error_percent,
    }


def _maintenance(project: ProjectPlan) -> Document | None:
    maintenance = project.manifest.features.maintenance
    if maintenance is None:
        return None
    return {"page": maintenance_page(project), "retry_after_s": _seconds(maintenance.retry_after)}


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up."""
    return -(-milliseconds // 1000)


def _in_utc(schedule: str) -> str:
    """The calendar expression with its time zone: UTC when it names none."""
    return schedule if _ZONE.fullmatch(schedule) else f"{schedule} UTC"


def _cache(project: ProjectPlan) -> Document | None:
    cache = project.cache
    if cache is None:
        return None
    return {
        "host": cache.host,
        "port": cache.port,
        "index": cache.index,
        "user": cache.user,
        "rules": list(cache_rules(cache, names.channel_prefix(project.id))),
    }


def _health(project: ProjectPlan) -> Document:
    health = project.manifest.monitoring.health
    return {
        "path": health.path,
        "interval_ms": health.interval,
        "timeout_ms": health.timeout,
        "successes": health.successes,
        "max_response_ms": health.max_response,
        "start_timeout_ms": health.start_timeout,
    }
