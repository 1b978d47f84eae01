"""The verb `backup`: projects one after the other; what is known of each afterwards, and who is told when one fails."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Final

from agent.backup import files
from agent.backup.aside import tidied
from agent.backup.copies import caught_up
from agent.backup.due import due, tell_late
from agent.backup.make import make
from agent.backup.prune import pruned
from agent.backup.unproven import tell_unproven
from agent.documents.errors import BadDocument, Failed, Failure, Unwritable
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.store.ability import looked_at
from agent.store.record import Made, Missed, note, read_backup_record
from agent.store.settings import Project, Settings, load_settings
from agent.store.turn import turn
from agent.uploads.undo import let_go

Answer = dict[str, object]
_LONGEST_WAIT_S: Final = 24 * 3600


def backup(ports: Ports, document: Reader, by: str) -> Generator[Answer, None, Answer]:
    """`{"project"}` backs one up, `{"due": true}` those whose time has come and that have none since, `{"all": true}` all.

    `wait_s`: how long to wait for another run. Tells phases; the answer has each project, `ok` when all went well. Raises
    BadDocument, Failed, Unwritable.
    """
    document.version()
    one = document.text("project", PROJECT) if document.given("project") else ""
    every, only_due = document.flag("all", False), document.flag("due", False)
    wait_s = document.whole("wait_s", 0, _LONGEST_WAIT_S, 0)
    by = document.text("by", WHY, "") or by
    document.end()
    if [bool(one), every, only_due].count(True) != 1:
        raise BadDocument("", "name a project, or say all or due")
    settings = load_settings(ports)
    if one and settings.project(one) is None:
        raise Failed(
            "settings",
            f"{one} is not backed up here",
            "see `backup.enabled` in its manifest, then `pulumi up`",
        )
    ports.asker.watch()
    with turn(ports, "backup", by, wait_s):
        settings = looked_at(ports, settings)
        wanted = _wanted(ports, settings, one, only_due=only_due)
        results = []
        for project in wanted:
            results.append((yield from backed_up(ports, settings, project, by)))
            if ports.asker.gone():
                break
        away = {str(store) for result in results for store in _stores_missed(result)}
        caught = caught_up(ports, settings, away)
        tell_late(ports, settings, by)
        tidied(ports, settings)
        let_go(ports, settings)
        tell_unproven(ports, settings, by)
    return {**_answer(results), **({"caught_up": caught} if caught else {})}


def _stores_missed(result: Answer) -> Sequence[object]:
    found = result.get("missed")
    return found if isinstance(found, list) else []


def _wanted(ports: Ports, settings: Settings, one: str, *, only_due: bool) -> Sequence[Project]:
    if one:
        return [each for each in settings.projects if each.id == one]
    saved = [each for each in settings.projects if each.saved]
    return due(ports, saved) if only_due else saved


def backed_up(ports: Ports, settings: Settings, project: Project, by: str) -> Generator[Answer, None, Answer]:
    """One project's part of the answer: its database, then its uploads; the failure of one fails not the other.

    Under the lock of backups. It has an `id` when there is a good backup of the database in some store (`at` in `uploads`:
    of those), and is `ok` when all is in all of them. Raises Unwritable.
    """
    answer: Answer = {"project": project.id, "ok": True}
    if project.database is not None:
        answer = yield from _database(ports, settings, project, by)
    if not project.buckets or ports.asker.gone():
        return answer
    uploads = yield from _uploads(ports, settings, project, by)
    return {**answer, "ok": answer["ok"] is True and uploads["ok"] is True, "uploads": uploads}


def _database(ports: Ports, settings: Settings, project: Project, by: str) -> Generator[Answer, None, Answer]:
    """Its failure is noted and told, and fails no other project."""
    try:
        outcome = yield from make(ports, settings, project)
    except Failed as error:
        return _failed(ports, project, error.failure, by)
    except Unwritable as error:
        return _failed(ports, project, Failure("disk", str(error), error.remedy), by)
    found = outcome.backup
    made = Made(found.id, found.at, found.size, found.seconds, outcome.stores)
    problem = _problem(outcome.missed)
    missed = _copy_missed(ports, project, problem, by, "copy") if problem else None
    since = read_backup_record(ports, project.id).unproven_since or found.at
    note(ports, project.id, last=made, failed=missed, told_late=0.0, unproven_since=since)
    ports.journal.log(f"backup: {project.id}: {found.id}, {found.size} bytes, {found.seconds:g} s")
    gone, warning = pruned(ports, settings, project)
    return {
        "project": project.id, "ok": not problem, "id": found.id, "at": found.at, "size": found.size,
        "seconds": found.seconds, "stores": list(outcome.stores), "pruned": gone,
        **({"problem": problem, "missed": sorted(outcome.missed)} if problem else {}),
        **({"warning": warning} if warning else {}),
    }  # fmt: skip


def _uploads(ports: Ports, settings: Settings, project: Project, by: str) -> Generator[Answer, None, Answer]:
    try:
        found = yield from files.mirror_all(ports, settings, project)
    except Failed as error:
        return _failed(ports, project, error.failure, by)
    except Unwritable as error:
        return _failed(ports, project, Failure("disk", str(error), error.remedy), by)
    made, missing = files.together(found), files.missed(found)
    problem = _problem(missing)
    noted: dict[str, object] = {} if project.database else {"failed": None, "told_late": 0.0}
    if problem:
        noted["failed"] = _copy_missed(ports, project, problem, by, "uploads")
    note(ports, project.id, uploads=made, **noted)
    ports.journal.log(
        f"backup: {project.id}: {made.objects} objects, {made.added} of them new, {made.seconds:g} s"
    )
    gone, warning = files.let_go(ports, settings, project)
    return {
        "project": project.id, "ok": not problem, "at": made.at, "objects": made.objects, "size": made.size,
        "added": made.added, "seconds": made.seconds, "stores": list(made.stores), "pruned": gone,
        **({"problem": problem, "missed": sorted(missing)} if problem else {}),
        **({"warning": warning} if warning else {}),
    }  # fmt: skip


def _copy_missed(ports: Ports, project: Project, problem: str, by: str, phase: str) -> Missed:
    """What is remembered of a copy that failed; somebody is told of it."""
    remedy = "it is saved elsewhere, and copied there once the store answers again"
    _tell(ports, project, phase, problem, remedy, by)
    return Missed(_now(ports), phase, problem)


def _failed(ports: Ports, project: Project, failure: Failure, by: str) -> Answer:
    ports.journal.log(f"backup: {project.id} failed in {failure.phase}: {failure.cause}")
    if not failure.interrupted:
        note(ports, project.id, failed=Missed(_now(ports), failure.phase, failure.cause))
        _tell(ports, project, failure.phase, failure.cause, failure.remedy, by)
    return {**failure.answer(), "project": project.id}


def _problem(missed: Mapping[str, str]) -> str:
    return "; ".join(f"not in {store}: {why}" for store, why in sorted(missed.items()))


def _tell(ports: Ports, project: Project, phase: str, cause: str, remedy: str, by: str) -> None:
    tell(ports, Event("backup-failed", project.id, by, _now(ports), phase=phase, cause=cause, remedy=remedy))


def _now(ports: Ports) -> str:
    return f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"


def _answer(results: Sequence[Answer]) -> Answer:
    bad = [str(result["project"]) for result in results if result["ok"] is not True]
    found: Answer = {"ok": not bad, "end": True, "projects": list(results)}
    if bad:
        first = next(result for result in results if result["ok"] is not True)
        part = _bad_part(first)
        cause = part.get("cause") or part.get("problem")
        found["summary"] = f"{', '.join(bad)}: {part.get('phase', 'copy')}: {cause}"
    return found


def _bad_part(result: Answer) -> Mapping[str, object]:
    """What to say of a project that did not go well: its database, or its uploads."""
    uploads = result.get("uploads")
    said = result.get("cause") or result.get("problem")
    return uploads if not said and isinstance(uploads, Mapping) else result
