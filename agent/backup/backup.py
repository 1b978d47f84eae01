"""The verb `backup`: projects one after the other; what is known of each afterwards, and who is told when one fails."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from agent.backup.copies import caught_up
from agent.backup.due import due, tell_late
from agent.backup.make import Outcome, make
from agent.backup.prune import pruned
from agent.backup.unproven import tell_unproven
from agent.documents.errors import BadDocument, Failed, Failure, Unwritable
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.store.record import Made, Missed, note, read_backup_record
from agent.store.settings import Project, Settings, load_settings
from agent.store.turn import turn

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
        wanted = _wanted(ports, settings, one, only_due=only_due)
        results = []
        for project in wanted:
            results.append((yield from backed_up(ports, settings, project, by)))
            if ports.asker.gone():
                break
        away = {str(store) for result in results for store in _stores_missed(result)}
        caught = caught_up(ports, settings, away)
        tell_late(ports, settings, by)
        tell_unproven(ports, settings, by)
    return {**_answer(results), **({"caught_up": caught} if caught else {})}


def _stores_missed(result: Answer) -> Sequence[object]:
    found = result.get("missed")
    return found if isinstance(found, list) else []


def _wanted(ports: Ports, settings: Settings, one: str, *, only_due: bool) -> Sequence[Project]:
    if one:
        return [each for each in settings.projects if each.id == one]
    databases = [each for each in settings.projects if each.database is not None]
    return due(ports, databases) if only_due else databases


def backed_up(ports: Ports, settings: Settings, project: Project, by: str) -> Generator[Answer, None, Answer]:
    """One project's part of the answer; its failure is noted and told, and fails no other project.

    Under the lock of backups. It has an `id` when there is a good backup in some store, and is `ok` when that is in all of
    them. Raises Unwritable.
    """
    try:
        outcome = yield from make(ports, settings, project)
    except Failed as error:
        return _failed(ports, project, error.failure, by)
    except Unwritable as error:
        return _failed(ports, project, Failure("disk", str(error), error.remedy), by)
    found = outcome.backup
    made = Made(found.id, found.at, found.size, found.seconds, outcome.stores)
    problem = _problem(outcome)
    now = _now(ports)
    failed = Missed(now, "copy", problem) if problem else None
    since = read_backup_record(ports, project.id).unproven_since or found.at
    note(ports, project.id, last=made, failed=failed, told_late=0.0, unproven_since=since)
    ports.journal.log(f"backup: {project.id}: {found.id}, {found.size} bytes, {found.seconds:g} s")
    if problem:
        _tell(
            ports,
            project,
            "copy",
            problem,
            "it is saved elsewhere, and copied there once the store answers again",
            by,
        )
    gone, warning = pruned(ports, settings, project)
    return {
        "project": project.id, "ok": not problem, "id": found.id, "at": found.at, "size": found.size,
        "seconds": found.seconds, "stores": list(outcome.stores), "pruned": gone,
        **({"problem": problem, "missed": sorted(outcome.missed)} if problem else {}),
        **({"warning": warning} if warning else {}),
    }  # fmt: skip


def _failed(ports: Ports, project: Project, failure: Failure, by: str) -> Answer:
    ports.journal.log(f"backup: {project.id} failed in {failure.phase}: {failure.cause}")
    if not failure.interrupted:
        note(ports, project.id, failed=Missed(_now(ports), failure.phase, failure.cause))
        _tell(ports, project, failure.phase, failure.cause, failure.remedy, by)
    return {**failure.answer(), "project": project.id}


def _problem(outcome: Outcome) -> str:
    return "; ".join(f"not in {store}: {why}" for store, why in sorted(outcome.missed.items()))


def _tell(ports: Ports, project: Project, phase: str, cause: str, remedy: str, by: str) -> None:
    tell(ports, Event("backup-failed", project.id, by, _now(ports), phase=phase, cause=cause, remedy=remedy))


def _now(ports: Ports) -> str:
    return f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"


def _answer(results: Sequence[Answer]) -> Answer:
    bad = [str(result["project"]) for result in results if result["ok"] is not True]
    found: Answer = {"ok": not bad, "end": True, "projects": list(results)}
    if bad:
        first = next(result for result in results if result["ok"] is not True)
        cause = first.get("cause") or first.get("problem")
        found["summary"] = f"{', '.join(bad)}: {first.get('phase', 'copy')}: {cause}"
    return found
