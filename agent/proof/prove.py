"""The verb `prove`: newest backups restored one after the other; what is known of each afterwards, and who is told."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from agent.backup.due import tell_late
from agent.backup.unproven import tell_unproven, to_prove
from agent.documents.errors import BadDocument, Failed, Failure, Unwritable
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.proof import instance
from agent.proof.restored import Restored, newest, restored
from agent.store import proofs
from agent.store.backups import Backup
from agent.store.proofs import Verdict
from agent.store.record import Missed, Proof, note
from agent.store.settings import Project, Settings, load_settings
from agent.store.turn import turn

Answer = dict[str, object]
_LONGEST_WAIT_S: Final = 24 * 3600
BEGIN_S: Final = 6 * 3600
"""What is due and not begun by then comes with the next run: proofs are made at night."""


def prove(ports: Ports, document: Reader, by: str) -> Generator[Answer, None, Answer]:
    """`{"project"}` proves one, `{"due": true}` those whose newest backup was not proven, or long ago, `{"all": true}` all.

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
    ports.asker.watch()
    end = ports.clock.monotonic() + BEGIN_S
    results: list[Answer] = []
    wanted = _wanted(ports, settings, one, only_due=only_due)
    for project in wanted:
        if ports.asker.gone() or (only_due and ports.clock.monotonic() > end):
            break
        with turn(ports, "proof", by, wait_s):  # a backup may come between two proofs
            for name in instance.leftovers(ports):
                ports.journal.log(f"proof: {name} of a run that was killed is removed")
            results.append((yield from _one(ports, settings, project, by)))
    _tell_late(ports, settings, by)
    left = [project.id for project in wanted[len(results) :]]
    return {**_answer(results), **({"left": left} if left else {})}


def _wanted(ports: Ports, settings: Settings, one: str, *, only_due: bool) -> Sequence[Project]:
    """Raises Failed."""
    databases = [each for each in settings.projects if each.database is not None]
    if not one:
        return to_prove(ports, databases) if only_due else databases
    found = [each for each in databases if each.id == one]
    if not found:
        cause = f"{one} has no database that is backed up here"
        raise Failed("settings", cause, "see `backup.enabled` in its manifest, then `pulumi up`")
    return found


def _tell_late(ports: Ports, settings: Settings, by: str) -> None:
    """Unless another run has just begun: a backup tells the same at its end."""
    try:
        with turn(ports, "proof", by):
            tell_unproven(ports, settings, by)
            tell_late(ports, settings, by)
    except Failed as error:
        ports.journal.log(f"proof: who is late is told by another run: {error.failure.cause}")


def _one(ports: Ports, settings: Settings, project: Project, by: str) -> Generator[Answer, None, Answer]:
    """One project's part of the answer; its failure is noted and told, and fails no other project."""
    begun = ports.clock.monotonic()
    backup: Backup | None = None
    yield {"project": project.id, "phase": "look"}
    try:
        store, backup = newest(ports, settings, project)
        told = restored(ports, settings, project, store, backup)
        outcome = yield from _named(told, project, backup)
    except Failed as error:
        return _failed(ports, settings, project, backup, error.failure, by)
    except Unwritable as error:
        return _failed(ports, settings, project, backup, Failure("disk", str(error), error.remedy), by)
    seconds = round(ports.clock.monotonic() - begun, 1)
    return _proven(ports, settings, project, outcome, seconds)


def _named(
    told: Generator[Answer, None, Restored], project: Project, backup: Backup
) -> Generator[Answer, None, Restored]:
    """Phases with the project and its backup."""
    while True:
        try:
            document = next(told)
        except StopIteration as end:
            outcome: Restored = end.value
            return outcome
        yield {"project": project.id, "backup": backup.id, **document}


def _proven(ports: Ports, settings: Settings, project: Project, outcome: Restored, seconds: float) -> Answer:
    backup, now = outcome.backup, _now(ports)
    note(
        ports,
        project.id,
        proven=Proof(backup.id, now, seconds),
        unproven=None,
        unproven_since="",
        told_unproven="",
    )
    ports.journal.log(f"proof: {project.id}: {backup.id} came back in {outcome.seconds:g} s")
    verdict = Verdict(
        project=project.id, backup=backup.id, at=now, seconds=seconds, restore_seconds=outcome.seconds,
        tables=outcome.tables, rows=outcome.rows, store=outcome.store, image=outcome.image,
    )  # fmt: skip
    warning = _stored(ports, settings, verdict)
    return {
        "project": project.id, "ok": True, "id": backup.id, "of": backup.at, "at": now, "seconds": seconds,
        "restore_seconds": outcome.seconds, "tables": outcome.tables, "rows": outcome.rows,
        "size": backup.size, "store": outcome.store, **({"warning": warning} if warning else {}),
    }  # fmt: skip


def _failed(
    ports: Ports, settings: Settings, project: Project, backup: Backup | None, failure: Failure, by: str
) -> Answer:
    """It is told each time: a backup that can't be restored is none. A run that nobody waited for says nothing of it."""
    ports.journal.log(f"proof: {project.id} failed in {failure.phase}: {failure.cause}")
    answer = {**failure.answer(), "project": project.id, **({"id": backup.id} if backup else {})}
    if failure.interrupted:
        return answer
    now = _now(ports)
    note(ports, project.id, unproven=Missed(now, failure.phase, failure.cause))
    event = Event(
        "proof-failed", project.id, by, now, phase=failure.phase, cause=failure.cause, remedy=failure.remedy
    )
    tell(ports, event)
    if backup is None:
        return answer
    verdict = Verdict(project.id, backup.id, now, 0, 0, 0, 0, "", "", failure.phase)
    warning = _stored(ports, settings, verdict)
    return {**answer, **({"warning": warning} if warning else {})}


def _stored(ports: Ports, settings: Settings, verdict: Verdict) -> str:
    """Write it beside the backups, in each store; what went wrong, in words."""
    content, refused = proofs.document(ports, verdict), []
    for store in settings.stores:
        try:
            ports.s3.put(store.place, proofs.key(verdict.project, verdict.backup), content)
        except StoreError as error:
            refused.append(f"{store.name} doesn't have what was proven: {error}")
    return "; ".join(refused)


def _now(ports: Ports) -> str:
    return f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"


def _answer(results: Sequence[Answer]) -> Answer:
    bad = [result for result in results if result["ok"] is not True]
    found: Answer = {"ok": not bad, "end": True, "projects": list(results)}
    if bad:
        names = ", ".join(str(result["project"]) for result in bad)
        found["summary"] = f"{names}: {bad[0].get('phase')}: {bad[0].get('cause')}"
    return found
