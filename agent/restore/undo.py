"""The verb `restore-undo`: what a restore has put aside is the live database again; what it has brought is kept."""

from __future__ import annotations

from agent.backup import aside
from agent.backup.snapshot import server_image
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host.ports import Ports
from agent.restore import swap
from agent.restore.document import read_undo
from agent.restore.restore import audited
from agent.restore.work import Told, database_of, target
from agent.store.settings import load_settings
from agent.store.turn import turn


def restore_undo(ports: Ports, document: Reader, by: str) -> Told:
    """`{"project"}`, `database` for one that isn't backed up itself. Run again it stays there (`changed` is false then).

    Raises BadDocument, Failed, Unwritable.
    """
    wanted = read_undo(document, by)
    settings = load_settings(ports)
    image = server_image(ports, settings.server)
    with turn(ports, "restore-undo", wanted.by):
        aside.tidied(ports, settings)
        database = wanted.database or database_of(settings, wanted.project)
        found = target(ports, settings, image, wanted.project, database)
        note = found.kept.note if found.kept else None
        if note is None:
            cause = f"nothing was put aside: there is no {found.before}"
            raise Failed("find", cause, "`codeb restore list` says what can be restored")
        answer: Told = {"ok": True, "project": wanted.project, "database": database, "before": found.before}
        if note.kind == "undone":
            return {**answer, "changed": False, "what": note.what, "kept_until": note.until}
        made = aside.noted("undone", note.what, wanted.by, ports.clock.now())
        swapped = swap.undone(ports, settings, image, found, made)
        audited(ports, wanted.project, "restore-undo", made)
        facts = {"swap_ms": swapped.milliseconds, "held": swapped.held, "kept_until": made.until}
        return {**answer, "changed": True, "what": note.what, **facts}
