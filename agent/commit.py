"""The end of a release: remember it, drop the undo file, move what follows the active colour (cron jobs)."""

from __future__ import annotations

from dataclasses import replace

from agent import commands, image_units, paths, record, undo, units
from agent.errors import Failed
from agent.job import Job
from agent.paths import Colour, other
from agent.ports import Ports
from agent.record import ColourRecord, Past, Record
from agent.spec import Cron

_REMEDY = (
    "see `systemctl status` of the unit on the host, correct features.cron in the manifest and release again"
)


def commit(job: Job, colour: Colour) -> None:
    """From here on the release stands: record first, then the undo file goes."""
    switched = undo.load(job.ports, job.project) is not None
    before = job.record or Record(project=job.project, created_at=job.now())
    after = _remember(job, before, colour)
    after = replace(after, cron=tuple(sorted({*before.cron, *(cron.stem for cron in job.wanted.cron)})))
    if switched:
        job.past = _past(job, before, colour, "rolled-back" if _goes_back(job) else "released")
        after = after.with_past(job.past)
    if after != job.record:
        record.save(job.ports, after)
        job.changed = True
    if job.past is not None:
        job.ports.files.remove(paths.undo(job.project))
        record.audit(job.ports, job.project, job.past)
    job.record = after


def note_failure(job: Job, colour: Colour, cause: str) -> None:
    """Remember a release that failed: in the audit log, and in the history of a project that has one."""
    known = record.load(job.ports, job.project)
    job.past = replace(_past(job, known, colour, "failed"), cause=job.redact(cause))
    record.audit(job.ports, job.project, job.past)
    if known is not None:
        record.save(job.ports, known.with_past(job.past))


def _remember(job: Job, before: Record, colour: Colour) -> Record:
    known, release = before.colours.get(colour), job.release
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
    return job.release is None and not job.forward


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
    )


def install_cron(job: Job, colour: Colour) -> None:
    """Cron jobs run in the image and environment of the colour that serves. Raises Failed."""
    ports, files = job.ports, job.ports.files
    for link, target in paths.active_links(job.project, colour).items():
        if files.link_target(link) != target:
            files.link(link, target)
    wanted = job.wanted.cron
    stale = [stem for stem in job.record.cron if stem not in {c.stem for c in wanted}] if job.record else []
    remove_cron(ports, stale)
    changed = units.install(ports, _texts(job, wanted), "settle", removed=bool(stale))
    job.changed = job.changed or bool(stale or changed)
    for cron in wanted:
        timer = cron.timer.name
        state = units.state(ports, timer)
        if state.file_state != "enabled":
            units.must(ports, commands.enable(timer), "settle", _REMEDY)
        if paths.unit(timer) in changed or not state.running:
            units.must(ports, commands.restart(timer), "settle", _REMEDY)
    if stale and job.record:
        job.record = replace(job.record, cron=tuple(cron.stem for cron in wanted))
        record.save(ports, job.record)


def remove_cron(ports: Ports, stems: list[str]) -> None:
    """Stop and delete cron jobs; the caller makes systemd read its units again."""
    for stem in stems:
        ports.runner.run(commands.disable(f"{stem}.timer"))
        ports.runner.run(commands.stop(f"{stem}.service"), timeout_s=120)
        ports.files.remove(paths.unit(f"{stem}.timer"))
        ports.files.remove(paths.quadlet(f"{stem}.container"))


def _texts(job: Job, wanted: tuple[Cron, ...]) -> dict[str, bytes]:
    """Path and content of every cron unit."""
    texts = {}
    for cron in wanted:
        if job.image is None:
            raise Failed("settle", "no image was resolved", "this is a defect of the agent")
        texts[paths.quadlet(cron.container.name)] = image_units.filled_in(cron.container, job.image)
        texts[paths.unit(cron.timer.name)] = cron.timer.content.encode()
    return texts
