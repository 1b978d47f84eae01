"""Cron jobs: timers that follow the colour that serves."""

from __future__ import annotations

from dataclasses import replace

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.paths import Colour
from agent.host.ports import Ports
from agent.images import in_units
from agent.project import record
from agent.project.spec import Cron
from agent.release.job import Job

_REMEDY = (
    "see `systemctl status` of the unit on the host, correct features.cron in the manifest and release again"
)


def install(job: Job, colour: Colour) -> None:
    """Cron jobs run in the image and environment of the colour that serves. Raises Failed."""
    ports, files = job.ports, job.ports.files
    for link, target in paths.active_links(job.project, colour).items():
        if files.link_target(link) != target:
            files.link(link, target)
    wanted = job.wanted.cron
    stale = [stem for stem in job.record.cron if stem not in {c.stem for c in wanted}] if job.record else []
    remove(ports, stale)
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


def remove(ports: Ports, stems: list[str]) -> None:
    """Stop and delete cron jobs; the caller makes systemd read its units again. Raises Failed: those left stay recorded."""
    for stem in stems:
        units.end_timer(ports, f"{stem}.timer", "settle", for_good=True)
        ports.runner.run(commands.stop(f"{stem}.service"), timeout_s=120)
        for unit in (f"{stem}.timer", f"{stem}.service"):
            ports.runner.run(commands.reset_failed(unit))
        ports.files.remove(paths.unit(f"{stem}.timer"))
        ports.files.remove(paths.quadlet(f"{stem}.container"))


def _texts(job: Job, wanted: tuple[Cron, ...]) -> dict[str, bytes]:
    """Path and content of every cron unit."""
    texts = {}
    for cron in wanted:
        if job.image is None:
            raise Failed("settle", "no image was resolved", "this is a defect of the agent")
        texts[paths.quadlet(cron.container.name)] = in_units.filled_in(cron.container, job.image)
        texts[paths.unit(cron.timer.name)] = cron.timer.content.encode()
    return texts
