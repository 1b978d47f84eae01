"""The verb `prune`: what is older than a project keeps goes from the store on this host, never the newest good backup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from agent.backup import files
from agent.documents.errors import Failed
from agent.documents.reader import PROJECT, Reader
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store import backups, proofs
from agent.store.backups import Listing
from agent.store.record import read_backup_record
from agent.store.retention import may_go
from agent.store.settings import HERE, Project, Settings, load_settings
from agent.store.turn import turn

_BEGUN_STAYS: Final = timedelta(days=2)
"""A dump without a document may be under way for a day (the client's longest time)."""


def prune(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """`{}` or `{"project"}`. The answer has by project which backups went, and how many objects of uploads.

    Raises BadDocument, Failed.
    """
    document.version()
    one = document.text("project", PROJECT) if document.given("project") else ""
    document.end()
    settings = load_settings(ports)
    projects = [each for each in settings.projects if one in ("", each.id)]
    if one and not projects:
        raise Failed(
            "settings", f"{one} is not backed up here", "what it has in the store stays; delete it by hand"
        )
    with turn(ports, "prune", by):
        found = {project.id: pruned(ports, settings, project) for project in projects}
        contents = {project.id: files.let_go(ports, settings, project) for project in projects}
    warnings = [f"{project}: {warning}" for project, (_, warning) in found.items() if warning]
    warnings += [f"{project}: {warning}" for project, (_, warning) in contents.items() if warning]
    gone = {project: ids for project, (ids, _) in found.items() if ids}
    objects = {project: count for project, (count, _) in contents.items() if count}
    said = {"warnings": warnings, "summary": "; ".join(warnings)}
    return {"ok": not warnings, "pruned": gone, "objects": objects, **said}


def pruned(ports: Ports, settings: Settings, project: Project) -> tuple[list[str], str]:
    """Ids that went, and what went wrong, in words. Under the lock of backups."""
    store = settings.store(HERE)
    if store is None:
        return [], ""
    gone: list[str] = []
    try:
        listing = backups.listed(ports, store.place, project.id)
        for backup_id in _going(ports, project, listing):
            _forget(ports, store.place, project.id, backup_id)
            gone.append(backup_id)
    except StoreError as error:
        return gone, f"not all that may go went: {error}"
    return gone, ""


def _going(ports: Ports, project: Project, listing: Listing) -> list[str]:
    """What isn't a good backup stays until there is one that is younger, as it may tell what went wrong."""
    if not listing.backups:
        return []
    proven = read_backup_record(ports, project.id).proven
    old = may_go(listing.backups, project.retention_days, {proven.id} if proven else ())
    newest = listing.backups[0].moment
    edge = newest - max(_BEGUN_STAYS, timedelta(days=project.retention_days))
    left = [each for each in listing.wrong if _moment(each) < edge]
    begun = [each for each in listing.begun if _moment(each) < newest - _BEGUN_STAYS]
    return [*(backup.id for backup in old), *left, *begun]


def _forget(ports: Ports, place: Place, project: str, backup_id: str) -> None:
    """All versions, the document's first: without it there is no backup. What was proven of it goes last."""
    for key in (
        backups.document_key(project, backup_id),
        backups.dump_key(project, backup_id),
        proofs.key(project, backup_id),
    ):
        for found in list(ports.s3.versions(place, key)):
            if found.key == key:
                ports.s3.delete(place, key, found.version)


def _moment(backup_id: str) -> datetime:
    """When an id was given."""
    return datetime.strptime(backup_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
