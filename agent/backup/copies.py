"""The same backup in further stores, as it is stored; those that a store has missed while it was away come there later."""

from __future__ import annotations

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store import backups
from agent.store.backups import Backup
from agent.store.record import BackupRecord, Made, note, read_backup_record
from agent.store.sealed import Damaged, checked
from agent.store.settings import Settings, Store


def copied(ports: Ports, source: Store, target: Store, backup: Backup, document: bytes) -> str:
    """Copy a backup, its document last; what went wrong, in words, or ""."""
    key = backups.dump_key(backup.project, backup.id)
    pieces = checked(ports.s3.get(source.place, key), key, backup.sha256)
    try:
        ports.s3.upload(target.place, key, pieces, backup.size)
        ports.s3.put(target.place, backups.document_key(backup.project, backup.id), document)
    except (StoreError, Damaged) as error:
        return str(error)
    return ""


def caught_up(ports: Ports, settings: Settings, away: set[str]) -> dict[str, list[str]]:
    """Copy each project's newest backup to the stores that have missed it; project → stores that have it now.

    A store that is `away` (it failed just now) is not asked again, and neither is one that turns out to be. Under the lock
    of backups. Raises Unwritable.
    """
    found: dict[str, list[str]] = {}
    for project in settings.projects:
        last = read_backup_record(ports, project.id).last
        for store in settings.stores if last is not None else ():
            if last is None or store.name in last.stores or store.name in away or ports.asker.gone():
                continue
            if problem := _brought(ports, settings, project.id, last, store):
                away.add(store.name)
                ports.journal.log(
                    f"backup: {last.id} of {project.id} is still not in {store.name}: {problem}"
                )
                continue
            record = read_backup_record(ports, project.id)
            last = _with(last, store.name)
            whole = all(each.name in last.stores for each in settings.stores)
            note(
                ports, project.id, last=last, **({"failed": None} if whole and _missed_a_copy(record) else {})
            )
            found.setdefault(project.id, []).append(store.name)
    return found


def _brought(ports: Ports, settings: Settings, project: str, last: Made, target: Store) -> str:
    """Copy a backup that is known by its record alone; what went wrong, in words, or ""."""
    source = next((found for name in last.stores if (found := settings.store(name))), None)
    if source is None:
        return "no store that is still configured has it"
    try:
        document = b"".join(ports.s3.get(source.place, backups.document_key(project, last.id)))
        return copied(ports, source, target, backups.read(ports, document), document)
    except (StoreError, Damaged) as error:
        return str(error)
    except Failed as error:
        return error.failure.cause


def _with(last: Made, store: str) -> Made:
    return Made(last.id, last.at, last.size, last.seconds, (*last.stores, store))


def _missed_a_copy(record: BackupRecord) -> bool:
    return record.failed is not None and record.failed.phase == "copy"
