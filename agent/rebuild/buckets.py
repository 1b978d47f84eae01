"""One bucket: the objects of its newest list, back where nothing is yet."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from agent.documents.errors import Failed
from agent.rebuild import memory
from agent.rebuild.job import Job, Told
from agent.restore import uploads
from agent.restore.uploads import Brought, Goal
from agent.store.settings import Project

Telling = Generator[Told, None, Told]


def brought(job: Job, project: Project, bucket: str) -> Telling:
    """Bring it back, unless it is. A run that ended too early goes on where it was. Raises Failed, Unwritable."""
    before = job.memory.buckets.get(bucket)
    if before and not job.wanted.again:
        return {"ok": True, "skipped": True, "bucket": bucket, "run": before}
    if (project.id, bucket) not in job.found.runs:
        cause = f"{job.found.store.name} has no list of {bucket} from before {job.found.until:%Y-%m-%d %H:%M:%S} UTC"
        raise Failed("uploads", cause, "what it had is lost, unless another place has it")
    goal = Goal(project.id, bucket, at=job.found.until, replace=job.wanted.replace)
    if before is None:
        yield from _refuse_filled(job, goal)
    job.memory = memory.note_bucket(job.ports, job.memory, bucket, "")
    found = yield from uploads.brought(job.ports, job.settings, [job.found.store], goal)
    job.memory = memory.note_bucket(job.ports, job.memory, bucket, found.run)
    return {"ok": True, **_said(found), "warnings": list(found.warnings)}


def _refuse_filled(job: Job, goal: Goal) -> Generator[Told, None, None]:
    """Raises Failed when something is there that isn't of its list, unless it may be overwritten."""
    if job.wanted.replace:
        return
    looking = replace(goal, dry_run=True)
    found = yield from uploads.brought(job.ports, job.settings, [job.found.store], looking)
    if strange := found.differ + found.extra:
        cause = f"{goal.bucket} is not empty: {strange} objects in it are not those that the second place has"
        remedy = "look whether this is the right server; `--replace` keeps versions of what is overwritten"
        raise Failed("uploads", cause, remedy)


def _said(found: Brought) -> Told:
    return {
        "bucket": found.bucket, "run": found.run, "of": found.at, "objects": found.missing + found.differ + found.same,
        "written": found.written, "size": found.size,
    }  # fmt: skip
