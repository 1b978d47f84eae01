"""What everybody whom Prometheus asks would answer, were all generated projects deployed and visited. Pure."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Final

from agent.documents.reader import Reader
from agent.host import paths
from agent.monitoring.exposition import escaped, text
from agent.monitoring.families import families
from agent.monitoring.gather import Found, Project, Saved
from agent.monitoring.memory import Certificate, Memory
from agent.project.record import ColourRecord, Image
from agent.project.spec_reader import read_spec
from codeb.plan import Plan, ProjectPlan, ServerPlan
from codeb.plan.values import FIRST_INDEX
from codeb.render import release_document
from lab.bench.observability.series.text import Row, Text, others, sampled, told

REQUESTS: Final = (
    *(("GET", code) for code in ("200", "304", "404", "502")),
    *(("POST", code) for code in ("200", "401")),
    *(("HEAD", "200"), ("OPTIONS", "204")),
)
"""Methods and statuses that each host name has answered with since Caddy's start."""
APP_SERIES: Final = 100
"""Of an app that offers metrics."""
STANDBY: Final = 10
"""One project in so many was released within the hour: both colours run."""
_OTHERS: Final = {
    "node": 568,
    "caddy": 100,
    "postgres": 440,
    "redis": 173,
    "minio": 90,
    "collector": 200,
    "alertmanager": 574,
    "grafana": 60,
    "logs": 157,
    "jaeger": 250,
}
"""Series that a program has whatever the projects are; the collector's, Grafana's and Jaeger's are estimates."""
_OTHER_UNITS: Final = 30
_NOW: Final = 1_800_000_000.0
_DAY: Final = 86_400.0


def answers(plan: Plan, files: Mapping[str, str]) -> dict[str, Text]:
    """By `host:port` of each target in the files of Prometheus, and by `redis://host:port`; Prometheus' own is not there."""
    found = {}
    for name, content in files.items():
        if not name.startswith("targets/"):
            continue
        job = name.removeprefix("targets/").removesuffix(".json")
        for target in json.loads(content):
            for address in target["targets"]:
                if job != "prometheus":
                    found[address] = _answer(plan, job, target["labels"])
    return found


def _answer(plan: Plan, job: str, labels: Mapping[str, str]) -> Text:
    server = plan.server(labels["server"])
    if job.startswith("apps-"):
        return others(APP_SERIES, "app_series")
    if job == "process":
        return sampled("process_groups", list(_groups(plan, server)))
    # Of the log store Prometheus keeps names that begin so.
    more = others(_OTHERS[job], "vl_other" if job == "logs" else "codeb_bench_other")
    if job == "node":
        return more + told(text(families(*_known(plan, server))))
    if job == "caddy":
        return more + _caddy(plan, server)
    if job == "postgres":
        return more + sampled("postgres_databases", list(_databases(plan)))
    if job == "redis":
        indexes = [{"index": str(each)} for each in _indexes(plan, labels["instance"])]
        return more + sampled("redis_indexes", indexes)
    return more


def _caddy(plan: Plan, server: ServerPlan) -> Text:
    hosts = [host for project in plan.projects_on(server.name) for host in project.hosts]
    requests = [
        {"host": host, "method": method, "code": code, "rate": "1" if code == "502" else "20"}
        for host, (method, code) in itertools.product(hosts, REQUESTS)
    ]
    return sampled("caddy_requests", requests) + sampled("caddy_hosts", [{"host": host} for host in hosts])


def _groups(plan: Plan, server: ServerPlan) -> Iterator[Row]:
    """Control groups of containers, two each (its processes, and what watches over it), and those of other units."""
    for number in range(_OTHER_UNITS):
        yield {"group": f"/system.slice/unit{number}.service"}
    for project in plan.projects_on(server.name):
        spec = _release(plan, project, server).spec
        for colour in ("blue", "green") if _number(project) % STANDBY == 0 else ("blue",):
            own = [f"/system.slice/{paths.service(project.id, colour)}"]
            for worker in spec.workers:
                for service in worker.services(colour):
                    slice_ = "system-" + service.partition("@")[0].replace("-", r"\x2d") + ".slice"
                    own.append(f"/system.slice/{slice_}/{service}")
            for group in own:
                container = hashlib.sha256(group.encode()).hexdigest()
                yield {"group": escaped(f"{group}/libpod-payload-{container}")}
                yield {"group": escaped(f"{group}/runtime")}


def _known(plan: Plan, server: ServerPlan) -> tuple[Found, Memory]:
    """All is well: healthy, backed up, certificates for two months."""
    here = plan.projects_on(server.name)
    projects = [
        Project(
            project.id,
            {"blue": _release(plan, project, server)},
            "blue",
            healthy=True,
            maintenance=False,
            workers_wrong=0,
        )
        for project in here
    ]
    sites = {host: (project.id, True) for project in here for host in project.hosts}
    saved = {}
    if server.has("data"):
        day = Saved(_NOW, _NOW, late=False, unproven=False)
        saved = {project.id: day for project in plan.projects}
    memory = Memory(certificates={host: Certificate(_NOW + 60 * _DAY, 90 * _DAY, _NOW) for host in sites})
    return Found(projects, {}, sites, saved, _NOW if saved else None), memory


def _release(plan: Plan, project: ProjectPlan, server: ServerPlan) -> ColourRecord:
    document = release_document(plan, project, server)
    # What `release` reads besides: the others are what an agent remembers.
    spec = {name: value for name, value in document.items() if name not in ("version", "environment")}
    digest = "sha256:" + hashlib.sha256(project.id.encode()).hexdigest()
    return ColourRecord(
        read_spec(Reader(spec, "")),
        fingerprint="",
        image=Image("registry.bench.test/app:1", digest, digest),
        released_at="2026-11-28T10:00:00Z",
        release_id=f"{_number(project):08x}",
    )


def _databases(plan: Plan) -> Iterator[Row]:
    for project in plan.projects:
        if project.database is not None:
            yield {"database": project.database.name, "datid": str(16384 + _number(project))}


def _indexes(plan: Plan, instance: str) -> list[int]:
    held = [each.cache.index for each in plan.projects if each.cache and each.cache.redis.name == instance]
    return sorted({*range(FIRST_INDEX), *held})


def _number(project: ProjectPlan) -> int:
    return int(project.id.rpartition("-")[2])
