"""Processor time of what is pure: manifests read, a plan made beside an existing registry, all documents rendered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from codeb import registry
from codeb.model import ManifestSource, Settings, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.plan.routes import routed
from codeb.render import host_bundle, release_document, route_document
from lab.bench.null import AT
from lab.bench.programs import config, manifest, pools_of

_SECRETS = ("rootSecret", "sshPrivateKey")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Planned:
    """Seconds of this process's processor time, by step."""

    projects: int
    load: float
    plan: float
    render: float


def planned(size: int, per_pool: int) -> Planned:
    """All three for so many projects, which run already."""
    settings = _settings(size, per_pool)
    documents = [json.dumps(manifest(number, 1, per_pool)) for number in range(size)]
    sources = [ManifestSource(f"{number}.yaml", text) for number, text in enumerate(documents)]
    load, manifests = _timed(lambda: load_manifests(sources, settings))
    previous = _running(make_plan(settings, manifests))
    seconds, plan = _timed(lambda: make_plan(settings, manifests, previous))
    render, _ = _timed(lambda: _rendered(plan))
    return Planned(size, load, seconds, render)


def _settings(size: int, per_pool: int) -> Settings:
    values = {key.removeprefix("codeb:"): value for key, value in config(pools_of(size, per_pool)).items()}
    return parse_settings({key: value for key, value in values.items() if key not in _SECRETS})


def _running(plan: Plan) -> Any:
    """The registry once all of it runs, as a stack's output gives it back."""
    health = {"status": "healthy", "last_check": AT}
    entries = {
        key: registry.with_release(entry, {"project": key, "health": health})
        for key, entry in registry.planned_entries(plan).items()
    }
    return json.loads(json.dumps(registry.document(entries)), parse_int=float)


def _rendered(plan: Plan) -> int:
    """How many documents there are."""
    count = len([host_bundle(plan, server) for server in plan.servers])
    for project in plan.projects:
        count += len([release_document(plan, project, plan.server(name)) for name in project.servers])
        count += len([route_document(plan, project, edge) for edge in routed(plan, project)])
    return count


def _timed(work: Callable[[], _Made]) -> tuple[float, _Made]:
    start = time.process_time()
    made = work()
    return time.process_time() - start, made
