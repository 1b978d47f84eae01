"""A project's release: units of both colours, cron jobs, network and site, as the document of `codeb-agent
release`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import gcd
from typing import Any, Final

from codeb import names, watch_names
from codeb.model import CronJob
from codeb.plan import Plan, ProjectPlan, ServerPlan, routes
from codeb.plan.doors import private_network
from codeb.plan.monitored import CADDY_PORT, monitoring_server
from codeb.render.cache import cache_rules
from codeb.render.containers import common, files, seconds
from codeb.render.environment import RESOURCE_ATTRIBUTES, resource_attributes, secret_variables, traced
from codeb.render.maintenance import maintenance_page
from codeb.render.quote import has_several_lines
from codeb.render.text import render
from codeb.render.visitors import visitors
from codeb.render.workers import workers

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

    `cache` lacks its passwords: the caller adds them just before the document leaves. The site is what Caddy on this server
    has of the project: for visitors, for the stack's edges, or both.
    """
    server = server or plan.server(project.servers[0])
    variables = environment or {}
    module = any(has_several_lines(value) for value in variables.values())
    processes = workers(project, server, module)
    return {
        "version": 1,
        "project": project.id,
        "image": project.manifest.environment.image,
        "pull": "missing",
        "ports": {colour: project.ports.of(colour) for colour in names.COLOURS},
        "publish": _LOOPBACK,
        "units": {
            "network": _unit(names.network_unit(project.id), _network(project)),
            **{colour: _colour(plan, project, colour, module) for colour in names.COLOURS},
            "cron": [_cron(project, job, module) for job in project.manifest.features.cron],
        },
        "site": site(plan, project, server),
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
        # Without workers a document is as it was before there were any: nothing is released again.
        **({"workers": processes} if processes else {}),
        **(_watched(project) if monitoring_server(plan) else {}),
    }


def remove_document(project_id: str) -> Document:
    """The document of `codeb-agent remove`: stop the project and take its units and site away."""
    return {"version": 1, "project": project_id}


def route_document(plan: Plan, project: ProjectPlan, edge: ServerPlan) -> Document:
    """The document of `codeb-agent route`, for an edge that doesn't run the project."""
    return {
        "version": 1,
        "project": project.id,
        "domain": project.domain,
        "site": site(plan, project, edge),
        "ceded": list(project.ceded),
    }


def site(plan: Plan, project: ProjectPlan, server: ServerPlan) -> str:
    """The project's part of Caddy's configuration on one server; which colour serves is in the upstream file, not here."""
    runs = server.name in project.servers
    behind = runs and routes.is_behind_inner(plan, project, server)
    return render(
        "caddy/site.caddy",
        id=project.id,
        # What a site says has to be true under the Caddyfile of before and after, too: without TLS it imports less.
        private=private_network(plan) if terminates(plan) else None,
        domain=project.domain,
        **visitors(plan, project),
        metrics_path=project.manifest.monitoring.metrics_path,
        health_path=project.manifest.monitoring.health.path,
        max_upload=project.manifest.features.max_upload,
        outer=routes.outer(plan, project, server),
        inner=len(project.servers) if behind else 0,
        inner_host=names.inner_host(project.id),
        inner_port=routes.INNER_PORT,
        watched=monitoring_server(plan) is not None,
        figures=runs and monitoring_server(plan) is not None and project.manifest.features.metrics,
        metrics_host=watch_names.metrics_host(project.id),
        metrics_port=CADDY_PORT,
        upstream_file=names.upstream_file(project.id),
        maintenance_dir=names.MAINTENANCE_DIR,
        canaries_dir=names.CANARIES_DIR,
        canary_steps=[(step, _weights(step)) for step in project.manifest.features.canary_steps],
    )


def terminates(plan: Plan) -> bool:
    """Whether TLS ends at a balancer, so that sites are served without."""
    balancer = plan.fleet.balancer if plan.fleet else None
    return balancer is not None and balancer.tls == "terminate"


def _weights(percent: int) -> str:
    """Caddy's smallest weights of old and new release: it sends as many requests in a row to each as they say."""
    common = gcd(100, percent)
    return f"{(100 - percent) // common} {percent // common}"


def _unit(name: str, content: str) -> Document:
    return {"name": name, "content": content}


def _network(project: ProjectPlan) -> str:
    return render("project/project.network", id=project.id, network=names.network(project.id))


def _colour(plan: Plan, project: ProjectPlan, colour: names.Colour, module: bool) -> Document:
    content = render(
        "project/app.container",
        **common(project),
        service=names.service(project.id, colour),
        colour=colour,
        **files(project, colour, module),
        told=_told(plan, project, colour),
        publish=_LOOPBACK,
        host_port=project.ports.of(colour),
        port=project.manifest.environment.port,
    )
    return _unit(names.container_unit(project.id, colour), content)


def _told(plan: Plan, project: ProjectPlan, colour: names.Colour) -> str | None:
    """What traces of this colour say of where they are from; None where the app sends none, or says it itself."""
    environment = project.manifest.environment
    own = {*environment.variables, *environment.secrets}
    if not traced(plan, project) or RESOURCE_ATTRIBUTES in own:
        return None
    return f"{resource_attributes(project)},colour={colour}"


def _cron(project: ProjectPlan, job: CronJob, module: bool) -> Document:
    container, timer = names.cron_units(project.id, job.name)
    content = render(
        "project/cron.container",
        **common(project),
        service=names.cron_service(project.id, job.name),
        name=job.name,
        **files(project, "active", module),
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
        **common(project),
        service=service,
        **files(project, "candidate", module),
        command=features.release_command,
        timeout_s=seconds(features.release_timeout),
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
    return {"page": maintenance_page(project), "retry_after_s": seconds(maintenance.retry_after)}


def _in_utc(schedule: str) -> str:
    """The calendar expression with its time zone: UTC when it names none."""
    return schedule if _ZONE.fullmatch(schedule) else f"{schedule} UTC"


def _cache(project: ProjectPlan) -> Document | None:
    cache = project.cache
    if cache is None:
        return None
    where: Document = {"host": cache.host, "port": cache.port, "index": cache.index, "user": cache.user}
    if cache.managed:
        return {**where, "rules": [], "tls": True}
    return {**where, "rules": list(cache_rules(cache, names.channel_prefix(project.id)))}


def _watched(project: ProjectPlan) -> Document:
    """What the agent tells monitoring of it. Without monitoring a document is as it was before there was any."""
    manifest = project.manifest
    alerts = manifest.monitoring.alerts
    told = {"error_percent": alerts.error_rate_percent, "p95_ms": alerts.response_ms}
    return {
        "alerts": told if alerts.enabled else None,
        "metrics_path": manifest.monitoring.metrics_path if manifest.features.metrics else None,
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
