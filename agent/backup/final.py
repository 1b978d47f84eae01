"""The verb `final`: the last backup of a project's database and uploads, which are about to be dropped.

Without one it is not dropped, unless a person has said so: that is remembered for a day and holds once.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Final

from agent.backup.backup import backed_up
from agent.documents.errors import Failed
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.store.settings import BUCKET, DATABASE, Project, load_settings
from agent.store.turn import turn

Answer = dict[str, object]
HOLDS: Final = timedelta(days=1)
_WAIT_S: Final = 900
_WAY_ROUND: Final = (
    "`codeb drop {} --yes-without-backup` lets it be dropped without one. Then run the update again"
)


def final(ports: Ports, document: Reader, by: str) -> Generator[Answer, None, Answer]:
    """`{"project", "database", "buckets", "retention_days"}` takes it; `{"project", "without_backup": true}` does without.

    What the settings of backups say of the project doesn't matter: it has left them by then. Tells phases. Raises
    BadDocument, Failed, Unwritable.
    """
    document.version()
    project = document.text("project", PROJECT)
    without = document.flag("without_backup", False)
    wanted = Project(project, None, (), 1, False) if without else _wanted(document, project)
    by = document.text("by", WHY, "") or by
    document.end()
    if without:
        return _let_go(ports, project, by)
    if said := _spent(ports, project):
        ports.journal.log(f"final backup: none of {project}: {said}")
        return {"ok": True, "end": True, "project": project, "without_backup": said}
    return (yield from _taken(ports, wanted, by))


def _wanted(document: Reader, project: str) -> Project:
    database = document.text("database", DATABASE) if document.given("database") else None
    buckets = document.texts("buckets", BUCKET)
    return Project(project, database, buckets, document.whole("retention_days", 1, 3650), False)


def _taken(ports: Ports, project: Project, by: str) -> Generator[Answer, None, Answer]:
    """Raises Failed unless there is a good backup of all of it."""
    ports.asker.watch()
    way_round = _WAY_ROUND.format(project.id)
    try:
        settings = load_settings(ports)
        with turn(ports, "final", by, _WAIT_S):
            result = yield from backed_up(ports, settings, project, by)
    except Failed as error:
        failure = error.failure
        raise Failed(
            failure.phase, failure.cause, f"{failure.remedy}. {way_round}", log=failure.log
        ) from None
    uploads = result.get("uploads")
    for part, made in ((result, "id"), (uploads, "at")):
        if isinstance(part, dict) and made not in part and "cause" in part:
            cause = f"no final backup of {project.id}, so its data is not dropped: {part['cause']}"
            raise Failed(str(part["phase"]), cause, f"{part['remedy']}. {way_round}")
    if project.buckets and not isinstance(uploads, dict):
        why = f"nobody waits for it any more: {ports.asker.gone()}"
        raise Failed("uploads", why, f"run it again. {way_round}", interrupted=True)
    ports.journal.log(f"final backup: {project.id}: {result.get('id', 'no database')}")
    return {**result, "ok": True, "end": True}


def _let_go(ports: Ports, project: str, by: str) -> Answer:
    """Remember that the next final backup is not to be taken. Raises Unwritable."""
    until = f"{ports.clock.now() + HOLDS:%Y-%m-%dT%H:%M:%SZ}"
    ports.files.directory(paths.BACKUPS, 0o700, "root:root")
    said = json.dumps({"version": 1, "by": by, "until": until}).encode()
    ports.files.write(_path(project), said, 0o600)
    ports.journal.log(f"final backup: {by} says that {project} may be dropped without one until {until}")
    return {"ok": True, "end": True, "project": project, "until": until}


def _spent(ports: Ports, project: str) -> str:
    """Who said that it may be dropped without a backup, "" when nobody did within a day. It holds once."""
    content = ports.files.read(_path(project))
    if content is None:
        return ""
    ports.files.remove(_path(project))
    try:
        found = json.loads(content)
        in_time = f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}" <= str(found["until"])
        return f"{found['by']} said so" if in_time else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _path(project: str) -> str:
    """No project's record: their names have no dot before the last one."""
    return f"{paths.BACKUPS}/{project}.without.json"
