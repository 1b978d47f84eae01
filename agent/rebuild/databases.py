"""One project's database: from the recovered cluster or from a dump into an empty one, compared, in its place."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import Final

from agent.backup import aside
from agent.documents.errors import Failed
from agent.rebuild import memory
from agent.rebuild.job import Job, Recovered, Told
from agent.rebuild.memory import Back
from agent.restore import dumps, moments
from agent.restore.database import put_in_place
from agent.restore.document import Wanted
from agent.restore.files import Files
from agent.restore.plan import Choice, refuse_kept, refuse_newer
from agent.restore.work import Source, Work, said, target
from agent.store.settings import Project

MARK: Final = " of the lost server"
"""By this the note of what a restore has put aside tells that it was this one."""
_SHOWN: Final = 3
Telling = Generator[Told, None, Told]


def done(job: Job, project: Project, database: str) -> Back | None:
    """What is back already, by what this host remembers, or PostgreSQL. Raises Failed."""
    if back := job.memory.databases.get(project.id):
        return back
    kept = target(job.ports, job.settings, job.image, project.id, database).kept
    note = kept.note if kept else None
    if note is None or note.kind != "before" or not note.what.endswith(MARK):
        return None
    return Back(note.what.removeprefix("restore of "), "", 0)


def refuse_filled(job: Job, project: Project, database: str) -> None:
    """Raises Failed when the live database has a row, unless it may be replaced."""
    if job.wanted.replace:
        return
    text = _filled()
    with said("find"):
        lines = aside.asked(job.ports, job.settings.server, job.image, text, database)
    if not lines:
        return
    names = ", ".join(str(json.loads(line)) for line in lines[:_SHOWN])
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    raise Failed(
        "find",
        f"{database} is not empty: there are rows in {names}{more}",
        "look whether this is the right server; `--replace` puts what is there aside, for a week",
    )


def brought(job: Job, project: Project, database: str, recovered: Recovered | None) -> Telling:
    """Bring it back, unless it is. Raises Failed, Unwritable."""
    before = done(job, project, database)
    if before and not job.wanted.again:
        return {
            "ok": True,
            "skipped": True,
            "what": before.what,
            "of": before.of or None,
            "rows": before.rows,
        }
    if before is None:
        refuse_filled(job, project, database)
    live = target(job.ports, job.settings, job.image, project.id, database)
    refuse_kept(live.kept, project.id, replace=job.wanted.replace or before is not None)
    work = Work(job.reading, job.settings, job.image, _wanted(job, project), live)
    warnings: list[str] = []
    with closing(_source(job, work, project, database, recovered, warnings)) as finding:
        source, of = yield from finding
    marked = replace(source, what=f"{source.what}{MARK}")
    nothing_else = Files(job.ports, job.settings, (), ())
    with closing(put_in_place(work, nothing_else, marked, source.details.size, warnings)) as placing:
        answer = yield from placing
    rows = answer["rows"]
    back = Back(marked.what, of, rows if isinstance(rows, int) else 0)
    job.memory = memory.note_database(job.ports, job.memory, project.id, back)
    return {**answer, "ok": True, "of": of, "warnings": warnings}


def _source(
    job: Job, work: Work, project: Project, database: str, recovered: Recovered | None, warnings: list[str]
) -> Generator[Told, None, tuple[Source, str]]:
    """What it is filled from, and of when that is."""
    if recovered and database in recovered.databases:
        source = moments.source(work, recovered.instance, database)
        reached = recovered.instance.reached
        return source, f"{reached:%Y-%m-%dT%H:%M:%SZ}" if reached else ""
    backup = job.found.dumps.get(project.id)
    if backup is None:
        raise nothing(job, project)
    if recovered:
        warnings.append(f"{database} is not in the archive: its newest dump was taken")
    with said("find"):
        (runs,) = work.asked("SHOW server_version;\n")
    refuse_newer(backup.postgres, runs)
    source = yield from dumps.source(work, Choice(backup, (job.found.store,)), warnings)
    return source, backup.at


def nothing(job: Job, project: Project) -> Failed:
    """There is no backup of it."""
    why = job.found.wrong.get(project.id, "")
    cause = f"{job.found.store.name} has no backup of its database from before {job.found.until:%Y-%m-%d %H:%M:%S} UTC"
    return Failed(
        "find", f"{cause}: {why}" if why else cause, "what it had is lost, unless another place has it"
    )


def _wanted(job: Job, project: Project) -> Wanted:
    given = job.wanted
    return Wanted(
        project=project.id, backup="", at=given.at, into=None, table="", scrub="", replace=True,
        as_admin=given.as_admin, dry_run=False, by=given.by, wait_s=0,
    )  # fmt: skip


def _filled() -> str:
    content = pkgutil.get_data(__package__, "filled.sql")
    if content is None:
        raise FileNotFoundError("filled.sql is not in this agent")
    return content.decode()
