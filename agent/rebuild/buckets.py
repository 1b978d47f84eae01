"""One bucket: the objects of its newest list, back where nothing is yet."""

from __future__ import annotations

from collections.abc import Generator

from agent.documents.errors import Failed
from agent.rebuild import memory
from agent.rebuild.job import Job, Told
from agent.restore.uploads import Brought, Goal, Work, prepared, removed, written
from agent.store.settings import Project

Telling = Generator[Told, None, Told]


def brought(job: Job, project: Project, bucket: str) -> Telling:
    """Bring it back, unless it is. A run that ended too early goes on where it was. Raises Failed, Unwritable."""
    before = job.memory.buckets.get(bucket)
    if before and not job.wanted.again:
        return {"ok": True, "skipped": True, "bucket": bucket, "run": before}
    if (project.id, bucket) not in job.found.runs:
        cause = f"{job.found.store.name} has no list of {bucket} from before {job.found.until:%Y-%m-%d %H:%M:%S} UTC"
        why = job.found.wrong.get(bucket, "")
        text = f"{cause}: {why}" if why else cause
        raise Failed("uploads", text, "what it had is lost, unless another place has it")
    goal = Goal(
        project.id, bucket, at=job.found.until, replace=job.wanted.replace,
        what="what the lost server had", by=job.wanted.by,
    )  # fmt: skip
    yield {"project": project.id, "bucket": bucket, "phase": "uploads"}
    work = prepared(job.ports, job.settings, [job.found.store], goal)
    if before is None and not job.wanted.replace:
        _refuse_filled(work)
    job.memory = memory.note_bucket(job.ports, job.memory, bucket, "")
    yield from written(work)
    removed(work)
    found = work.brought()
    job.memory = memory.note_bucket(job.ports, job.memory, bucket, found.run)
    return {"ok": True, **_said(found), "warnings": list(found.warnings)}


def _refuse_filled(work: Work) -> None:
    """Raises Failed when something is there that isn't of its list."""
    if strange := len(work.plan.differ) + len(work.plan.extra):
        cause = f"{work.goal.target} is not empty: {strange} objects in it are not those that the second place has"
        remedy = "look whether this is the right server; `--replace` keeps versions of what is overwritten"
        raise Failed("uploads", cause, remedy)


def _said(found: Brought) -> Told:
    return {
        "bucket": found.bucket, "run": found.run, "of": found.at, "objects": found.missing + found.differ + found.same,
        "written": found.written, "size": found.size,
    }  # fmt: skip
