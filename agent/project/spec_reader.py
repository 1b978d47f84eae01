"""Reads the document of a release, and a remembered spec, strictly: what is unknown or doesn't fit is refused."""

from __future__ import annotations

from typing import Final

from agent.documents.errors import BadDocument
from agent.documents.reader import (
    ACL_RULE,
    ADDRESS,
    ANY,
    DIGEST,
    HOST,
    IMAGE,
    PROJECT,
    SITE_NAME,
    SLUG,
    UNIT_NAME,
    URL_PATH,
    USER,
    VARIABLE,
    Reader,
)
from agent.host import paths
from agent.host.paths import COLOURS, Colour
from agent.project.spec import (
    IMAGE_TOKEN,
    Alerts,
    CacheIndex,
    Canary,
    Cron,
    Health,
    Maintenance,
    Release,
    ReleaseCommand,
    Secrets,
    Spec,
    UnitText,
    Worker,
)

_LONGEST_VARIABLE: Final = 60_000  # podman reads env files by lines of at most 64 KiB
_DAY_MS: Final = 86_400_000
_MOST_WORKERS: Final = 64
_STAGES: Final = ("production", "staging", "development")


def read_release(reader: Reader) -> Release:
    """The document on standard input of `release`. Raises BadDocument."""
    reader.version()
    environment = reader.secrets("environment", VARIABLE, _LONGEST_VARIABLE)
    cache = reader.maybe("cache")
    password = cache.secret("password") if cache else ""
    tls = cache is not None and cache.flag("tls", default=False)
    admin = cache.secret("admin_password") if cache and not tls else ""
    by, digest = reader.text("by", default=""), reader.text("digest", DIGEST, default="")
    return Release(_spec(reader, cache), Secrets(environment, password, admin), by, digest)


def read_spec(reader: Reader) -> Spec:
    """A remembered spec. Raises BadDocument."""
    return _spec(reader, reader.maybe("cache"))


def _spec(reader: Reader, cache: Reader | None) -> Spec:
    project = reader.text("project", PROJECT)
    units, ports = reader.child("units"), reader.child("ports")
    spec = Spec(
        project=project,
        image=reader.text("image", IMAGE),
        pull=reader.choice("pull", "missing", "always", "never", default="missing"),
        publish=reader.text("publish", ADDRESS),
        ports={colour: ports.whole(colour, 1, 65535) for colour in COLOURS},
        network=_unit(units.child("network"), "units.network", f"{paths.network(project)}.network"),
        colours={colour: _colour(units.child(colour), project, colour) for colour in COLOURS},
        cron=tuple(_cron(item, project) for item in units.children("cron")),
        site=reader.maybe_text("site"),
        domain=reader.text("domain", HOST),
        cache=_cache(cache),
        health=_health(reader.child("health")),
        standby_minutes=reader.whole("standby_minutes", 0, 60 * 24 * 30, default=60),
        job=_job(reader.maybe("job"), project),
        canary=_canary(reader.maybe("canary")),
        maintenance=_maintenance(reader.maybe("maintenance")),
        sentry_project=_sentry_project(reader),
        stage=reader.choice("stage", *_STAGES, default="production"),
        ceded=reader.texts("ceded", SITE_NAME),
        secret=reader.texts("secret", VARIABLE) if reader.given("secret") else None,
        workers=tuple(_worker(item, project) for item in reader.children("workers")),
        alerts=_alerts(reader.maybe("alerts")),
        metrics_path=reader.text("metrics_path", URL_PATH) if reader.given("metrics_path") else None,
    )
    ports.end()
    units.end()
    reader.end()
    if spec.ports["blue"] == spec.ports["green"]:
        raise BadDocument("ports", "blue and green must differ")
    return spec


def _unit(reader: Reader, where: str, name: str) -> UnitText:
    unit = UnitText(reader.text("name", UNIT_NAME), reader.text("content", ANY))
    reader.end()
    if unit.name != name:
        raise BadDocument(f"{where}.name", f"is {unit.name!r}, but the unit of this project is {name!r}")
    return unit


def _colour(reader: Reader, project: str, colour: Colour) -> UnitText:
    return _of_colour(reader, f"units.{colour}", f"{paths.container(project, colour)}.container")


def _of_colour(reader: Reader, where: str, name: str) -> UnitText:
    """A unit that is started with the colour that serves."""
    unit = _unit(reader, where, name)
    if IMAGE_TOKEN not in unit.content:
        raise BadDocument(f"{where}.content", f"has no {IMAGE_TOKEN} for the image that is resolved")
    if "[Install]" in unit.content:
        raise BadDocument(
            f"{where}.content", "has an [Install] section; the agent starts the active colour only"
        )
    return unit


def _cron(reader: Reader, project: str) -> Cron:
    prefix = f"codeb-{project}-cron-"
    container, timer = reader.child("container"), reader.child("timer")
    cron = Cron(
        UnitText(container.text("name", UNIT_NAME), container.text("content", ANY)),
        UnitText(timer.text("name", UNIT_NAME), timer.text("content", ANY)),
    )
    for part in (container, timer, reader):
        part.end()
    stem = cron.container.name.removesuffix(".container")
    if not stem.startswith(prefix) or {cron.container.name, cron.timer.name} != {
        f"{stem}.container",
        f"{stem}.timer",
    }:
        raise BadDocument("units.cron", f"units must be named {prefix}<name>.container and .timer")
    return cron


def _worker(reader: Reader, project: str) -> Worker:
    name, units = reader.text("name", SLUG), reader.child("units")
    where = f"workers.{name}.units"
    worker = Worker(
        name=name,
        replicas=reader.whole("replicas", 1, _MOST_WORKERS),
        exclusive=reader.flag("exclusive"),
        stop_ms=reader.whole("stop_ms", 1, _DAY_MS),
        units={
            colour: _of_colour(
                units.child(colour), f"{where}.{colour}", f"{paths.worker(project, colour, name)}@.container"
            )
            for colour in COLOURS
        },
    )
    units.end()
    reader.end()
    if worker.exclusive and worker.replicas > 1:
        raise BadDocument(f"workers.{name}.replicas", "must be 1, as the worker is exclusive")
    return worker


def _job(reader: Reader | None, project: str) -> ReleaseCommand | None:
    if reader is None:
        return None
    unit = _unit(reader.child("unit"), "job.unit", f"{paths.release_command(project)}.container")
    if IMAGE_TOKEN not in unit.content or "[Install]" in unit.content:
        raise BadDocument("job.unit.content", f"must have {IMAGE_TOKEN} and no [Install] section")
    job = ReleaseCommand(unit, reader.whole("timeout_ms", 1, _DAY_MS))
    reader.end()
    return job


def _canary(reader: Reader | None) -> Canary | None:
    if reader is None:
        return None
    canary = Canary(
        steps=reader.wholes("steps", 1, 99),
        wait_ms=reader.whole("wait_ms", 1, _DAY_MS),
        max_error_percent=reader.number("max_error_percent"),
    )
    reader.end()
    return canary


def _maintenance(reader: Reader | None) -> Maintenance | None:
    if reader is None:
        return None
    maintenance = Maintenance(reader.text("page", ANY), reader.whole("retry_after_s", 0, 86_400))
    reader.end()
    return maintenance


def _alerts(reader: Reader | None) -> Alerts | None:
    if reader is None:
        return None
    alerts = Alerts(reader.number("error_percent"), reader.whole("p95_ms", 1, _DAY_MS))
    reader.end()
    if not 0 < alerts.error_percent <= 100:
        raise BadDocument("alerts.error_percent", "must be above 0 and at most 100")
    return alerts


def _sentry_project(reader: Reader) -> str | None:
    return None if reader.maybe_text("sentry_project") is None else reader.text("sentry_project", SLUG)


def _cache(reader: Reader | None) -> CacheIndex | None:
    if reader is None:
        return None
    cache = CacheIndex(
        host=reader.text("host", HOST),
        port=reader.whole("port", 1, 65535),
        index=reader.whole("index", 0, 15),
        user=reader.text("user", USER),
        rules=reader.texts("rules", ACL_RULE),
        tls=reader.flag("tls", default=False),
    )
    reader.end()
    return cache


def _health(reader: Reader) -> Health:
    health = Health(
        path=reader.text("path", URL_PATH),
        interval_ms=reader.whole("interval_ms", 10, _DAY_MS),
        timeout_ms=reader.whole("timeout_ms", 10, _DAY_MS),
        successes=reader.whole("successes", 1, 100),
        max_response_ms=reader.whole("max_response_ms", 1, _DAY_MS),
        start_timeout_ms=reader.whole("start_timeout_ms", 100, _DAY_MS),
    )
    reader.end()
    return health
