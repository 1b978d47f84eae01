"""The end of a release: remember it and drop the undo file; a failure is remembered, too."""

from __future__ import annotations

from dataclasses import replace

from agent.documents.errors import Failed, Failure
from agent.host import paths
from agent.host.paths import Colour, other
from agent.project import record, routed
from agent.project.record import ColourRecord, Past, Record
from agent.release import undo
from agent.release.job import Job
from agent.release.undo import Undo


def commit(job: Job, colour: Colour) -> None:
    """From here on the release stands: record first, then the undo file goes."""
    switched = undo.load(job.ports, job.project) is not None
    before = job.record or Record(project=job.project, created_at=job.now())
    after = _remember(job, before, colour)
    after = replace(after, cron=tuple(sorted({*before.cron, *(cron.stem for cron in job.wanted.cron)})))
    if switched:
        job.past = _past(job, before, colour, _outcome(job))
        after = after.with_past(job.past)
    if after != job.record:
        record.save(job.ports, after)
        job.changed = True
    if job.past is not None:
        routed.forget(job.ports, job.project)
        job.ports.files.remove(paths.undo(job.project))
        record.audit(job.ports, job.project, job.past)
    job.record = after


def note_interrupted(job: Job, note: Undo) -> None:
    """Remember a release that was killed, once all of it is put back."""
    known, found = record.load(job.ports, job.project), note.attempt
    cause = "its run was killed or the host went down; the next run put its changes back"
    past = Past(
        id=known.next_id if known else "r1",
        at=found.at,
        outcome="interrupted",
        colour=note.target,
        image=found.image,
        digest=found.digest,
        by=found.by,
        duration_s=0.0,
        cause=cause,
    )
    record.audit(job.ports, job.project, past)
    if known is not None:
        record.save(job.ports, known.with_past(past))


def note_failure(job: Job, colour: Colour, failure: Failure) -> None:
    """Remember a release that failed: in the audit log, and in the history of a project that has one."""
    known = record.load(job.ports, job.project)
    outcome = "interrupted" if failure.interrupted else "failed"
    cause = job.redact(f"{failure.phase}: {failure.cause}")
    job.past = replace(_past(job, known, colour, outcome), cause=cause)
    record.audit(job.ports, job.project, job.past)
    if known is not None:
        record.save(job.ports, known.with_past(job.past))


def _remember(job: Job, before: Record, colour: Colour) -> Record:
    known, release = before.colours.get(colour), job.release
    if job.restart and job.active is not None:
        return before.with_colour(colour, _restarted(job, before, before.colours[job.active]))
    if release is None:
        return _rolled_back(job, before, colour)
    if known is not None and job.active == colour:
        after = before.with_colour(colour, replace(known, spec=job.wanted))
        return after if job.held else _withdraw(after, other(colour), withdrawn=False)
    if job.image is None:
        raise Failed("settle", "no image was resolved", "this is a defect of the agent")
    if known is not None and known.image.id != job.image.id and known.spec.pull != "never":
        job.left = known.image
    fresh = ColourRecord(
        spec=job.wanted,
        fingerprint=release.fingerprint(),
        image=job.image,
        cache_hash=release.cache_hash(),
        released_at=job.now(),
        release_id=before.next_id,
        by=job.by,
        why="released again" if job.resumed else "released",
    )
    return before.with_colour(colour, fresh)


def _goes_back(job: Job) -> bool:
    return job.release is None and not job.forward and not job.restart


def _outcome(job: Job) -> str:
    if job.restart:
        return "restarted"
    return "rolled-back" if _goes_back(job) else "released"


def _restarted(job: Job, before: Record, known: ColourRecord) -> ColourRecord:
    """The release that serves, as it runs on the other colour."""
    return replace(
        known,
        spec=job.wanted,
        released_at=job.now(),
        release_id=before.next_id,
        by=job.by,
        why=f"restarted by {job.by}",
    )


def _rolled_back(job: Job, before: Record, colour: Colour) -> Record:
    """The target serves again; going back, the other colour was taken out of service by a person."""
    known, left = before.colours[colour], before.colours.get(other(colour))
    if _goes_back(job) and left is not None:
        why = f"rolled back from {left.release_id} ({left.spec.image}) by {job.by}"
    else:
        why = f"rolled forward by {job.by}"
    fresh = replace(
        known,
        spec=job.wanted,
        withdrawn=False,
        released_at=job.now(),
        release_id=before.next_id,
        by=job.by,
        why=why,
    )
    return _withdraw(before.with_colour(colour, fresh), other(colour), withdrawn=_goes_back(job))


def _withdraw(after: Record, colour: Colour, *, withdrawn: bool) -> Record:
    """The record with a colour's release withdrawn by a person, or no longer."""
    known = after.colours.get(colour)
    return after if known is None else after.with_colour(colour, replace(known, withdrawn=withdrawn))


def _past(job: Job, before: Record | None, colour: Colour, outcome: str) -> Past:
    seconds = job.ports.clock.now().timestamp() - job.started_at
    return Past(
        id=before.next_id if before else "r1",
        at=job.now(),
        outcome=outcome,
        colour=colour,
        image=job.spec.image if job.spec else "",
        digest=job.image.digest if job.image else "",
        by=job.by,
        duration_s=round(seconds, 3),
        why=job.why,
    )
