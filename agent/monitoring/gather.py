"""What is known of this host's projects: systemd is asked for all of them at once, Podman only when a container ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agent.archive import state
from agent.backup.unproven import overdue
from agent.documents.errors import Failed
from agent.edge import names, sites
from agent.host import commands, paths
from agent.host.paths import Colour
from agent.host.ports import Ports
from agent.project import health, record
from agent.project.record import ColourRecord, Record
from agent.project.spec import Spec
from agent.report import crashes
from agent.report.backups import backup_facts
from agent.report.crashes import Crashes
from agent.store.record import read_backup_record

_AT_ONCE: Final = 16
_SERVICES: Final = ("codeb-*-blue.service", "codeb-*-green.service")


@dataclass(frozen=True)
class Project:
    """A project that has a record here. `serving` is the colour that visitors are sent to, None when none is."""

    id: str
    colours: Mapping[Colour, ColourRecord]
    serving: Colour | None
    healthy: bool
    maintenance: bool
    workers_wrong: int

    @property
    def release(self) -> ColourRecord | None:
        """What serves."""
        return self.colours.get(self.serving) if self.serving else None


@dataclass(frozen=True)
class Saved:
    """A project's backups: moments in seconds since 1970, None for never; whether one is late, or long not proven."""

    last: float | None
    proven: float | None
    late: bool
    unproven: bool


@dataclass(frozen=True)
class Found:
    """`restarts` by service, as systemd counts them; `sites` by host name: whose it is, and whether TLS ends here."""

    projects: Sequence[Project] = ()
    restarts: Mapping[str, int] = field(default_factory=dict)
    sites: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    backups: Mapping[str, Saved] = field(default_factory=dict)
    archived: float | None = None


def gather(ports: Ports) -> Found:
    """A project whose record can't be read is not healthy, and has no release: `status` and `doctor` say why."""
    running = _running(ports)
    crashed = crashes.look(ports, (*_SERVICES, crashes.WORKERS))
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        looked = workers.map(
            lambda name: _project(ports, name, running, crashed), record.known_projects(ports)
        )
        projects = [each for each in looked if each is not None]
    return Found(projects, _restarts(ports), _sites(ports), _backups(ports), _archived(ports))


def services(projects: Sequence[Project]) -> dict[str, tuple[str, Colour]]:
    """Whose each service is that may be of a project's app or workers: project and colour."""
    found: dict[str, tuple[str, Colour]] = {}
    for project in projects:
        for colour, known in project.colours.items():
            own = [each for worker in known.spec.workers for each in worker.services(colour)]
            found |= {name: (project.id, colour) for name in (paths.service(project.id, colour), *own)}
    return found


def _project(
    ports: Ports, name: str, running: frozenset[str], crashed: Mapping[str, Crashes]
) -> Project | None:
    try:
        known = record.load(ports, name)
        serving = record.serving(ports, name, known)
    except Failed:
        return Project(name, {}, None, healthy=False, maintenance=False, workers_wrong=0)
    if known is None:  # removed just now
        return None
    if serving is None or serving not in known.colours:
        return Project(name, known.colours, None, healthy=False, maintenance=False, workers_wrong=0)
    spec = known.colours[serving].spec
    return Project(
        name,
        known.colours,
        serving,
        healthy=_well(ports, known, serving, crashed),
        maintenance=ports.files.read(paths.maintenance_page(name)) is not None,
        workers_wrong=_workers_wrong(spec, serving, running, crashed),
    )


def _well(ports: Ports, known: Record, serving: Colour, crashed: Mapping[str, Crashes]) -> bool:
    reason = health.check(ports, known.colours[serving].spec, serving).reason
    return not crashes.wrong(reason, crashed.get(paths.service(known.project, serving), crashes.NONE))


def _workers_wrong(
    spec: Spec, colour: Colour, running: frozenset[str], crashed: Mapping[str, Crashes]
) -> int:
    """How many of its workers do not all run, or keep ending."""
    wrong = 0
    for worker in spec.workers:
        own = worker.services(colour)
        wrong += bool(crashes.of_worker(own, [each for each in own if each in running], crashed))
    return wrong


def _running(ports: Ports) -> frozenset[str]:
    try:
        rows = json.loads(ports.runner.run(commands.RUNNING_SERVICES).out or "[]")
    except ValueError:
        return frozenset()
    return frozenset(str(row.get("unit")) for row in rows if isinstance(row, dict))


def _restarts(ports: Ports) -> dict[str, int]:
    """By service of an app; those of workers come and go with their number, and a sum that falls looks like a reset."""
    found = {}
    for block in ports.runner.run(commands.restarts(_SERVICES)).out.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("NRestarts", "").isdigit():
            found[values.get("Id", "")] = int(values["NRestarts"])
    return found


def _sites(ports: Ports) -> dict[str, tuple[str, bool]]:
    """By host name, each one's once: names change hands, and a series that comes twice costs all others."""
    found: dict[str, tuple[str, bool]] = {}
    for path, text in sites.texts(ports).items():
        project = path.removeprefix(f"{paths.SITES}/").removesuffix(".caddy")
        secure = not names.without_tls(text)
        found |= {host: (project, secure) for host in names.public(text)}
    return found


def _backups(ports: Ports) -> dict[str, Saved]:
    now = ports.clock.now().timestamp()
    return {
        project: Saved(
            _seconds(facts["last"]),
            _seconds(facts["proven"]),
            late=facts["late"] is True,
            unproven=bool(overdue(read_backup_record(ports, project), now)),
        )
        for project, facts in backup_facts(ports).items()
    }


def _archived(ports: Ports) -> float | None:
    """Up to which moment everything is in the archive of one store at least; None where nothing is archived any more."""
    known = state.load(ports) if ports.files.read(paths.ARCHIVE_DOCUMENT) is not None else None
    moments = [moment for moment in known.reached.values() if moment] if known else []
    return max(moments).timestamp() if moments else None


def _seconds(moment: object) -> float | None:
    return seconds(moment) if isinstance(moment, str) else None


def seconds(moment: str) -> float | None:
    """A moment as records say it (ISO, UTC), in seconds since 1970; None for one that can't be read."""
    try:
        return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
