"""Whose newest backup is to be restored and compared, and whose was not for too long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from agent.host.ports import Ports
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.store.record import BackupRecord, note, read_backup_record
from agent.store.settings import Project, Settings

_DAY_S: Final = 86_400
AGAIN_S: Final = 7 * _DAY_S
"""A backup that was proven is proven again after that time while it is the newest: what is stored may change."""
PATIENCE_S: Final = 3 * _DAY_S
"""A backup that is younger than the last proof is proven by then; one that is proven again, so much after its time."""


def to_prove(ports: Ports, projects: Iterable[Project]) -> list[Project]:
    """Those whose time has come; whose last proof is the oldest comes first."""
    now = ports.clock.now().timestamp()
    known = [(each, read_backup_record(ports, each.id)) for each in projects]
    wanted = [(each, record) for each, record in known if wants_proof(record, now)]
    wanted.sort(key=lambda found: (found[1].proven.at if found[1].proven else "", found[0].id))
    return [each for each, _ in wanted]


def wants_proof(record: BackupRecord, now: float) -> bool:
    """Whether the newest backup is another than the one that was proven, or that was long ago, or failed since."""
    if record.last is None:
        return False
    if record.proven is None or record.proven.id != record.last.id or record.unproven is not None:
        return True
    return now - _seconds(record.proven.at) >= AGAIN_S


def overdue(record: BackupRecord, now: float) -> str:
    """Since when (ISO, UTC) a proof should have come that didn't, "" when none should."""
    if record.unproven_since:
        return record.unproven_since if now - _seconds(record.unproven_since) > PATIENCE_S else ""
    if record.last is None or record.proven is None:
        return ""
    return record.proven.at if now - _seconds(record.proven.at) > AGAIN_S + PATIENCE_S else ""


def tell_unproven(ports: Ports, settings: Settings, by: str) -> list[str]:
    """Tell of projects whose proof is overdue, once for each that did not come; who they are. Raises Unwritable.

    Under the lock of backups.
    """
    now = ports.clock.now()
    told = []
    for project in settings.projects:
        record = read_backup_record(ports, project.id)
        since = overdue(record, now.timestamp())
        if project.database is None or not since or record.told_unproven == since:
            continue
        cause = f"no backup of it was restored and compared since {since}"
        remedy = f"`journalctl -u codeb-prove` says why; `codeb prove {project.id}` tries it now"
        at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        tell(ports, Event("proof-failed", project.id, by, at, phase="late", cause=cause, remedy=remedy))
        note(ports, project.id, told_unproven=since)
        told.append(project.id)
    return told


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
