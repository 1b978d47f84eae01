"""Whose backup's time has come, and whose has come and gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.backup import programs
from agent.host.ports import Ports
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.store.record import BackupRecord, note, read_backup_record
from agent.store.settings import Project, Settings

LATE_S: Final = 8 * 3600
"""A backup has begun by then, however many others its timer has to wait for (`wait_s` of the unit: six hours)."""


@dataclass(frozen=True)
class Timer:
    """A project's timer: whether it runs, and when it went off last (seconds since 1970), None for never yet."""

    runs: bool
    last: float | None


def timer_unit(project: str) -> str:
    """The timer of a project's backups (codeb.names.backup_timer)."""
    return f"codeb-backup-{project}.timer"


def timers(ports: Ports, projects: Sequence[str]) -> dict[str, Timer]:
    """By project; one that systemd doesn't know doesn't run."""
    if not projects:
        return {}
    units = {timer_unit(project): project for project in projects}
    blocks = ports.runner.run(programs.timers(list(units))).out.split("\n\n")
    found = {}
    for block in blocks:
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("Id") in units:
            found[units[values["Id"]]] = Timer(values.get("ActiveState") == "active", _moment(values))
    return {project: found.get(project, Timer(False, None)) for project in projects}


def due(ports: Ports, projects: Sequence[Project]) -> list[Project]:
    """Those that have no backup since their timer went off, or none at all."""
    found = timers(ports, [project.id for project in projects])
    return [each for each in projects if _missing(read_backup_record(ports, each.id), found[each.id])]


def is_late(record: BackupRecord, timer: Timer, now: float) -> bool:
    """Whether a backup should have been made long ago."""
    return timer.last is not None and now - timer.last > LATE_S and _missing(record, timer)


def tell_late(ports: Ports, settings: Settings, by: str) -> list[str]:
    """Tell of projects whose backup is late, once for each time that it was to begin; who they are."""
    projects = [each.id for each in settings.projects if each.saved]
    now = ports.clock.now()
    told = []
    for project, timer in timers(ports, projects).items():
        record = read_backup_record(ports, project)
        if not is_late(record, timer, now.timestamp()) or record.told_late == timer.last:
            continue
        last = f"the last one is of {record.saved_at}" if record.saved_at else "there is none at all"
        remedy = f"`journalctl -u codeb-backup@{project}` says why; `codeb backup {project}` makes one now"
        at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        tell(
            ports,
            Event("backup-late", project, by, at, cause=f"no backup since it was due: {last}", remedy=remedy),
        )
        note(ports, project, told_late=timer.last)
        told.append(project)
    return told


def _missing(record: BackupRecord, timer: Timer) -> bool:
    if record.saved_at is None:
        return True
    made = datetime.fromisoformat(record.saved_at.replace("Z", "+00:00")).timestamp()
    return timer.last is not None and made < timer.last - 1  # both are cut off to seconds


def _moment(values: Mapping[str, str]) -> float | None:
    text = values.get("LastTriggerUSec", "").removeprefix("@")
    return float(text) if text.replace(".", "", 1).isdigit() else None
