"""Who is told what of a release: webhooks when it begins and ends, Sentry when it serves. Nothing here fails one."""

from __future__ import annotations

from dataclasses import replace

from agent.documents.errors import Failure
from agent.outbox import notify
from agent.outbox.text import Event, Kind
from agent.release.job import Job
from agent.release.machine import Phase, State


def started(job: Job, phase: Phase) -> None:
    """Tell the webhooks that something begins, once it is sure that something is to be changed.

    Where only the pulled image tells that, it is not before then.
    """
    first = Phase.CHECK if job.unsure or job.restart else Phase.PULL
    if phase in (Phase.RESUME, Phase.REVIVE, first):
        notify.tell(job.ports, _event(job, "started"))


def ended(job: Job, state: State) -> None:
    """Tell of a release or rollback that serves; nothing when the same colour serves as before."""
    past, known = job.past, job.known(state.target)
    if past is None or known is None or state.target == job.active:
        return
    back = past.outcome == "rolled-back"
    event = _event(job, "rolled-back" if back else "succeeded")
    notify.tell(job.ports, replace(event, cause=known.why if back else ""))
    if not job.restart:
        notify.sentry_release(job.ports, job.wanted, past.digest, past.at)


def failed(job: Job, failure: Failure) -> None:
    """Tell of a release that failed; the failure is redacted already."""
    event = replace(
        _event(job, "failed"),
        phase=failure.phase,
        cause=failure.cause,
        remedy=failure.remedy,
        put_back=failure.put_back,
    )
    notify.tell(job.ports, event)


def _event(job: Job, kind: Kind) -> Event:
    event = Event(kind, job.project, job.by, job.now())
    if job.spec is not None:
        event = replace(event, domain=job.spec.domain, image=job.spec.image)
    past = job.past
    if past is None:
        return event
    return replace(event, digest=past.digest, release=past.id, duration_s=past.duration_s)
