"""What `status` says of backups, from what this host remembers: no store is asked."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Final

from agent.archive import state
from agent.backup.due import Timer, is_late, timers
from agent.backup.platform import last_platform
from agent.backup.unproven import overdue
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports
from agent.report.diagnosis import Problem
from agent.store.ability import lacks
from agent.store.record import BackupRecord, read_backup_record
from agent.store.settings import load_settings

Entry = dict[str, object]
_PLATFORM_LATE: Final = timedelta(days=2)
_GOES_WITHIN: Final = timedelta(days=2)
_UNPROVEN = "was not proven"


def backup_facts(ports: Ports, project: str = "") -> dict[str, Entry]:
    """By project (all, or one): when the newest good backup is of, when one was proven, from when on any moment can be had.

    With its bytes, whether one is late, what a restore has put aside (`kept`), and what is wrong, "" for nothing. Empty on a
    server that backs nothing up.
    """
    if ports.files.read(paths.BACKUP_SETTINGS) is None:
        return {}
    try:
        wanted = [each for each in load_settings(ports).projects if each.saved and project in ("", each.id)]
    except Failed as error:
        ports.journal.log(f"status: {error.failure.cause}")
        return {}
    now = ports.clock.now().timestamp()
    found = timers(ports, [each.id for each in wanted])
    archive = _archive(ports)
    return {
        each.id: _entry(
            read_backup_record(ports, each.id), found[each.id], now, archive if each.point_in_time else ""
        )
        for each in wanted
    }


def _archive(ports: Ports) -> str:
    """Why moments of the last while can't be recovered, "" when they can."""
    known = state.load(ports)
    if known is None:
        return "does not run yet: `systemctl status codeb-ship` says why"
    late = known.late(ports.clock.now())
    return f"is late: {late}" if late else ""


def _entry(record: BackupRecord, timer: Timer, now: float, archive: str) -> Entry:
    return {
        "last": record.saved_at,
        "proven": record.proven.at if record.proven else None,
        "point_in_time_from": record.point_in_time_from or None,
        "size": _size(record),
        "late": is_late(record, timer, now),
        "kept": record.kept and asdict(record.kept),
        "problem": _problem(record, timer)
        or _unproven(record, now)
        or (archive and f"its archive {archive}"),
    }


def _size(record: BackupRecord) -> int | None:
    """Bytes of the newest dump; of a project without a database, of its uploads."""
    newest = record.last or record.uploads
    return newest.size if newest else None


def _problem(record: BackupRecord, timer: Timer) -> str:
    if record.failed:
        return f"failed at {record.failed.at} in {record.failed.phase}: {record.failed.cause}"
    return "" if timer.runs else "has a timer that does not run: `pulumi up` starts it"


def _unproven(record: BackupRecord, now: float) -> str:
    if record.unproven:
        return f"{_UNPROVEN} at {record.unproven.at}: {record.unproven.phase}: {record.unproven.cause}"
    since = overdue(record, now)
    return f"{_UNPROVEN}: none was restored and compared since {since}" if since else ""


def backup_problems(ports: Ports) -> list[Problem]:
    """Backups that are late, failed, or were not proven."""
    found = []
    words = _archive(ports)
    archive = f"its archive {words}"
    facts_of = backup_facts(ports)
    if any(facts["problem"] == archive for facts in facts_of.values()):
        remedy = "`systemctl status codeb-ship`, `journalctl -t codeb-agent` and docs/archive.md say more"
        found.append(Problem(f"the archive of PostgreSQL {words}", remedy))
    for project, facts in facts_of.items():
        verb, does = ("prove", "tries it") if _is_of_a_proof(facts) else ("backup", "makes one")
        remedy = (
            f"`codeb {verb} {project}` {does} now; `journalctl -t codeb-agent` and docs/backup.md say more"
        )
        if facts["problem"] and facts["problem"] != archive:
            found.append(Problem(f"{project}: its backup {facts['problem']}", remedy))
        elif facts["late"]:
            last = f"the last one is of {facts['last']}" if facts["last"] else "there is none"
            found.append(Problem(f"{project}: its backup is late: {last}", remedy))
        found += _over(ports, project)
    return [*found, *_lacks(ports), *_platform(ports)]


def put_aside(ports: Ports) -> list[str]:
    """What restores have put aside, in words: it takes room, and somebody may want to take one back."""
    if ports.files.read(paths.BACKUP_SETTINGS) is None:
        return []
    try:
        projects = load_settings(ports).projects
    except Failed:  # `status` says so
        return []
    found = [(each.id, read_backup_record(ports, each.id).kept) for each in projects]
    return [
        f"{project}: {kept.what} at {kept.at} has put {kept.size >> 20} MiB aside until {kept.until}"
        for project, kept in found
        if kept is not None
    ]


def _over(ports: Ports, project: str) -> list[Problem]:
    """A database that was put aside, and should have gone with a backup since."""
    kept = read_backup_record(ports, project).kept
    if kept is None or kept.until >= f"{ports.clock.now() - _GOES_WITHIN:%Y-%m-%dT%H:%M:%SZ}":
        return []
    remedy = f"`codeb backup {project}` drops it; `journalctl -t codeb-agent` says why that failed"
    return [Problem(f"{project}: what {kept.what} has put aside was to go at {kept.until}", remedy)]


def _platform(ports: Ports) -> list[Problem]:
    """The backup of the platform itself: late, or not where it should be."""
    last = last_platform(ports)
    if last is None:
        return []
    at, problem = last
    remedy = "`journalctl -u codeb-platform` says why; `codeb backup platform` makes one now"
    if problem:
        return [Problem(f"the platform's own backup is {problem}", remedy)]
    if ports.clock.now() - at > _PLATFORM_LATE:
        return [
            Problem(f"the platform's own backup is late: the last one is of {at:%Y-%m-%dT%H:%M:%SZ}", remedy)
        ]
    return []


def _lacks(ports: Ports) -> list[Problem]:
    """What the second place can't do, as it said last."""
    if ports.files.read(paths.BACKUP_SETTINGS) is None:
        return []
    try:
        said = lacks(ports, load_settings(ports))
    except Failed:  # `status` says so
        return []
    return [Problem(f"backups, store {lack.what}", lack.remedy) for lack in said]


def _is_of_a_proof(facts: Entry) -> bool:
    return str(facts["problem"]).startswith(_UNPROVEN)
