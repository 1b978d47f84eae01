"""The verb `status`: what runs on this host, since when and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from agent.documents.errors import Failed
from agent.documents.reader import PROJECT, Reader
from agent.edge import names, site
from agent.host import commands, paths
from agent.host.paths import Colour, other
from agent.host.ports import Ports
from agent.moving.bucket_notes import copied
from agent.moving.record import lives
from agent.project import health, record
from agent.project.record import Record
from agent.project.spec import Worker
from agent.release import undo
from agent.report import crashes
from agent.report.backups import backup_facts
from agent.report.crashes import Crashes
from agent.storage import facts

_AT_ONCE = 16
"""Health checks that run side by side: one app that hangs must not hold up the others."""
_MARK_DIGITS = 16


@dataclass(frozen=True)
class _Seen:
    """What the host says of all projects in one go: running services, ends of standbys, container ids."""

    running: frozenset[str]
    standby_until: Mapping[str, str]
    containers: Mapping[str, str]
    crashes: Mapping[str, Crashes]


def status(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """All projects, or the one named: release, health now, standby, history; and the host.

    Raises BadDocument; what can't be read of a project is said in its entry.
    """
    document.version()
    project = document.text("project", PROJECT, default="") if document.has("project") else ""
    document.end()
    names = [project] if project else record.known_projects(ports)
    seen = _look(ports)
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        projects = list(workers.map(lambda name: _project(ports, name, seen), names))
    saved, moved, objects = backup_facts(ports, project), lives(ports), copied(ports)
    return {
        "ok": True,
        "host": host_facts(ports),
        "projects": projects,
        **({"backups": saved} if saved else {}),
        **({"moved": moved} if moved else {}),
        **({"copied": objects} if objects else {}),
    }


def host_facts(ports: Ports) -> dict[str, object]:
    """Name, versions, disks."""
    podman = ports.runner.run(commands.PODMAN_VERSION)
    return {
        "name": (ports.files.read("/etc/hostname") or b"").decode().strip(),
        "podman": podman.out.strip() if podman.ok else "",
        "disk_used_percent": round(ports.files.disk_used_percent("/var/lib"), 1),
        "disks": _disks(ports),
        "time": ports.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _disks(ports: Ports) -> list[dict[str, object]]:
    """Data disks; none when what is remembered can't be read, which `doctor` says."""
    try:
        return [disk.entry() for disk in facts.disks(ports)]
    except Failed:
        return []


def _look(ports: Ports) -> _Seen:
    units = {str(row.get("unit")) for row in _rows(ports, commands.RUNNING_SERVICES)}
    timers = {str(row.get("unit")): _moment(row.get("next")) for row in _rows(ports, commands.STANDBY_TIMERS)}
    colours = sorted(
        unit.removesuffix(".service") for unit in units if unit.endswith(("-blue.service", "-green.service"))
    )
    found = ports.runner.run(commands.container_ids(colours)).out if colours else ""
    lines = [line.split() for line in found.splitlines()]
    containers = {words[0]: words[1] for words in lines if len(words) == 2}
    crashed = crashes.look(ports, ("codeb-*-blue.service", "codeb-*-green.service", crashes.WORKERS))
    return _Seen(frozenset(units), timers, containers, crashed)


def _rows(ports: Ports, argv: list[str]) -> list[Mapping[str, object]]:
    """The rows of a table that systemctl writes as JSON; none when it can't."""
    try:
        rows = json.loads(ports.runner.run(argv).out or "[]")
    except ValueError:
        return []
    return [row for row in rows if isinstance(row, dict)]


def _moment(microseconds: object) -> str:
    """A moment as answers say it, "" for none."""
    if not isinstance(microseconds, int) or microseconds <= 0:
        return ""
    return _said(microseconds / 1_000_000)


def _said(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _project(ports: Ports, project: str, seen: _Seen) -> dict[str, object]:
    try:
        known = record.load(ports, project)
        if known is None:
            return {"project": project, "status": "unknown", "cause": "it has no release on this host"}
        active = record.serving(ports, project, known)
    except Failed as error:
        return {"project": project, "status": "unreadable", "cause": error.failure.cause}
    history = [asdict(past) for past in known.history]
    since = ports.files.held_since(paths.project_lock(project))
    entry: dict[str, object] = {
        "project": project,
        "active": active,
        "created_at": known.created_at,
        "working_since": None if since is None else _said(since),
    }
    if active is None or active not in known.colours:
        return {**entry, "status": "stopped", "history": history}
    serving = known.colours[active]
    crashed = seen.crashes.get(paths.service(project, active), crashes.NONE)
    cause = crashes.wrong(health.check(ports, serving.spec, active).reason, crashed)
    return {
        **entry,
        "status": "unhealthy" if cause else "healthy",
        "cause": cause,
        "crashed": str(crashed) if crashed.count else "",
        "image": serving.spec.image,
        "digest": serving.image.digest,
        "domain": serving.spec.domain,
        "address": serving.spec.address(active),
        "released_at": serving.released_at,
        "release": serving.release(),
        "caches": known.caches(),
        "serves": {
            "names": list(site.answered(ports, project)) if names.public(serving.spec.site or "") else None,
            "ports": {"app": serving.spec.ports["blue"], "internal": serving.spec.ports["green"]},
        },
        "workers": [_worker(each, active, seen) for each in serving.spec.workers],
        **_idle(project, known, other(active), seen),
        "marks": _marks(ports, known, active),
        "container_id": seen.containers.get(paths.container(project, active), ""),
        "maintenance": ports.files.read(paths.maintenance_page(project)) is not None,
        "unfinished": undo.interrupted(ports, project),
        "history": history,
    }


def _worker(worker: Worker, colour: Colour, seen: _Seen) -> dict[str, object]:
    """A worker of what serves: how many of its processes are to run and do, and what is wrong, "" for nothing."""
    services = worker.services(colour)
    up = [service for service in services if service in seen.running]
    return {
        "name": worker.name,
        "replicas": worker.replicas,
        "running": len(up),
        "exclusive": worker.exclusive,
        "cause": crashes.of_worker(services, up, seen.crashes),
    }


def _marks(ports: Ports, known: Record, active: Colour) -> dict[str, str]:
    """Short hashes of what both colours run and of the site on disk: what a release is compared with."""
    idle, site = known.colours.get(other(active)), ports.files.read(paths.site(known.project))
    return {
        "container": known.colours[active].fingerprint[:_MARK_DIGITS],
        "other": idle.fingerprint[:_MARK_DIGITS] if idle else "",
        "site": hashlib.sha256(site).hexdigest()[:_MARK_DIGITS] if site else "",
    }


def _idle(project: str, known: Record, idle: Colour, seen: _Seen) -> dict[str, object]:
    """The other colour: what a rollback goes to (`previous`), or what one left (`withdrawn`)."""
    standby = paths.service(project, idle) in seen.running
    until = seen.standby_until.get(f"{paths.standby(project)}.timer") if standby else None
    colour = known.colours.get(idle)
    release = colour.release() if colour else None
    withdrawn = colour is not None and colour.withdrawn
    return {
        "standby": standby,
        "standby_until": until or None,
        "previous": None if withdrawn else release,
        "withdrawn": release if withdrawn else None,
    }
