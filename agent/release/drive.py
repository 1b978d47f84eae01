"""The verbs `release` and `rollback`: drive the state machine to an end and answer."""

from __future__ import annotations

import json
from typing import Final

from agent.documents.errors import Failed, Failure, remedy_of
from agent.documents.reader import PROJECT, WHY, Reader
from agent.host import asker, commands, paths
from agent.host.paths import Colour, other
from agent.host.ports import Busy, Ports
from agent.project import health, record
from agent.project.record import Record
from agent.project.spec_reader import read_release
from agent.release import announce, put_back
from agent.release.commit import note_failure
from agent.release.job import Job
from agent.release.machine import ENDS, Command, Event, Kind, Phase, State, Verb, decide
from agent.release.masking import redactor
from agent.release.perform import perform

_WAIT_S: Final = 900
_UNSEEN: Final = frozenset(
    {
        *(Phase.PULL, Phase.CHECK, Phase.PREPARE, Phase.CACHE, Phase.JOB),
        *(Phase.START, Phase.HEALTH, Phase.WORKERS),
    }
)
"""Phases before any user is sent to the new release: there it is given up when nobody waits for it any more."""


def release(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Make this release serve. Raises BadDocument, and Failed when the old one serves on."""
    wanted = read_release(document)
    project = wanted.spec.project
    ports.asker.watch()
    return _locked(Job(ports, project, wanted.by or by, redactor(ports, project, wanted), release=wanted))


def rollback(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Make the previous release serve again, or with `forward` the one that a rollback withdrew.

    Raises BadDocument, Failed.
    """
    document.version()
    project = document.text("project", PROJECT)
    who = document.text("by", default="")
    forward, why = document.flag("forward", default=False), document.text("why", WHY, default="")
    document.end()
    return _locked(Job(ports, project, who or by, redactor(ports, project), forward=forward, why=why))


def restart(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Start what serves anew, on the other colour, as a release does; `why` is for the history.

    Raises BadDocument, Failed.
    """
    document.version()
    project = document.text("project", PROJECT)
    who, why = document.text("by", default=""), document.text("why", default="")
    document.end()
    ports.asker.watch()
    return _locked(Job(ports, project, who or by, redactor(ports, project), restart=True, why=why))


def _locked(job: Job) -> dict[str, object]:
    try:
        with job.ports.files.lock(paths.project_lock(job.project), _WAIT_S):
            return _drive(job)
    except Busy as error:
        raise Failed(
            "lock", f"another run works on this host: {error}", "wait for it to end and run again"
        ) from error


def _drive(job: Job) -> dict[str, object]:
    """Decide, carry out, report, until an end."""
    state = State()
    todo: tuple[Command, ...] = (Command(Verb.OBSERVE, "blue"),)
    restored = ""
    while state.phase not in ENDS:
        job.ports.journal.log(f"{job.project}: {state.phase.value}")
        event = _carry_out(job, state.phase, todo)
        if state.phase is Phase.PUT_BACK:
            restored = _restored(job, event)
        elif state.phase is Phase.SETTLE and event.kind is Kind.FAILED:
            restored = f"nothing: the new release serves ({state.target}); only what follows it failed"
        state, todo = decide(state, event)
        announce.started(job, state.phase)
    if state.phase is Phase.FAILED:
        failure = state.failure or Failure("observe", "unknown", "this is a defect of the agent")
        raise _failed(job, failure, state, restored)
    announce.ended(job, state)
    return _answer(job, state)


def _carry_out(job: Job, phase: Phase, todo: tuple[Command, ...]) -> Event:
    """Run the commands of a step; the last one that found something out tells the event."""
    found = Event(Kind.DONE)
    try:
        for command in todo:
            if phase in _UNSEEN:
                asker.must_wait(job.ports, phase.value)
            found = perform(job, command) or found
    except Failed as error:
        return Event(Kind.FAILED, failure=error.failure)
    except (OSError, Busy) as error:
        remedy = remedy_of(error, "see `systemctl status` on the host, then run again")
        return Event(Kind.FAILED, failure=Failure(phase.value, str(error), remedy))
    return found


def _restored(job: Job, event: Event) -> str:
    if event.failure is None:
        return put_back.described(job)
    return f"not everything, the next run does the rest first: {event.failure.cause}"


def _failed(job: Job, failure: Failure, state: State, restored: str) -> Failed:
    """The failure as people read it: secrets masked, and what serves now."""
    kept = f"nothing was changed: {job.active} goes on serving" if job.active else "nothing was changed"
    if job.spec is not None:
        try:
            note_failure(job, state.target, failure)
        except (OSError, Failed) as error:  # what failed first is what people have to know
            job.ports.journal.log(f"{job.project}: this failure is missing in the history: {error}")
    told = Failed(
        failure.phase,
        job.redact(failure.cause),
        job.redact(failure.remedy),
        log=tuple(job.redact(line) for line in failure.log),
        put_back=job.redact(restored or kept),
    )
    announce.failed(job, told.failure)
    return told


def _answer(job: Job, state: State) -> dict[str, object]:
    known = record.load(job.ports, job.project)
    active = state.target
    if known is None or active not in known.colours:
        raise Failed("settle", "the record of this release is gone", "release again")
    serving = known.colours[active]
    verdict = health.check(job.ports, serving.spec, active)
    return {
        "ok": True,
        "project": job.project,
        "active": active,
        "image": serving.spec.image,
        "digest": serving.image.digest,
        "resolved": _resolved(known, active, held=job.held),
        "container_id": _container_id(job.ports, paths.container(job.project, active)),
        "health": {"status": "healthy" if verdict.healthy else "unhealthy", "last_check": job.now()},
        "created_at": known.created_at,
        "released_at": serving.released_at,
        "release": serving.release(),
        "caches": known.caches(),
        "changed": job.changed,
        "warnings": [job.redact(warning) for warning in job.warnings],
    }


def _resolved(known: Record, active: Colour, *, held: bool) -> str:
    """The digest that the document's tag stands for, for other servers to run the same; "" when it came from no registry.

    While a rollback holds, that is of what it withdrew.
    """
    colour = known.colours[other(active) if held else active]
    return colour.image.reference.partition("@")[2]


def _container_id(ports: Ports, container: str) -> str:
    result = ports.runner.run(commands.inspect_container(container))
    try:
        return str(json.loads(result.out)["Id"]) if result.ok else ""
    except (ValueError, KeyError, TypeError):
        return ""
