"""Workers: processes of a release without a port. New ones start and are looked at, old ones end once it serves.

An exclusive worker never runs twice: that of the colour before ends first, when it is sure that the new release serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.documents.errors import Failed
from agent.host import asker, commands, paths, units
from agent.host.paths import Colour, other
from agent.project import health
from agent.project.spec import Worker
from agent.release.job import Job
from agent.release.undo import Workers

_LOOK_S: Final = 5.0
"""How long a worker has to run before it counts as running."""
_PAUSE_S: Final = 0.5
_START_S: Final = 180
_GRACE_S: Final = 60
"""What systemd and Podman need on top of a worker's own time to end."""
_REMEDY: Final = "see `systemctl status` of the unit on the host and run again"


def of(job: Job, colour: Colour) -> tuple[Worker, ...]:
    """The workers that a colour's files hold; those wanted stand in for what a lost record would have told."""
    known = job.known(colour)
    return known.spec.workers if known else job.wanted.workers


def alone(job: Job, colour: Colour) -> list[Worker]:
    """Those wanted in a colour that never run beside their kind: exclusive ones, and such as were so in the other colour."""
    theirs = {worker.name for worker in of(job, other(colour)) if worker.exclusive}
    return [worker for worker in job.wanted.workers if worker.exclusive or worker.name in theirs]


def shared(job: Job, colour: Colour) -> list[Worker]:
    """All others that are wanted in a colour."""
    kept = alone(job, colour)
    return [worker for worker in job.wanted.workers if worker not in kept]


def services(workers: Iterable[Worker], colour: Colour) -> list[str]:
    """Their services in a colour."""
    return [service for worker in workers for service in worker.services(colour)]


def time_to_end(workers: Iterable[Worker]) -> float:
    """Seconds after which those that end side by side have ended."""
    return max((worker.stop_ms for worker in workers), default=0) / 1000 + _GRACE_S


def touched(job: Job, colour: Colour) -> list[str]:
    """Every path of theirs that a release to `colour` may change, the links of those that go first when it is put back."""
    wanted, before = job.wanted.workers, of(job, colour)
    ours = {*services(wanted, colour), *services(before, colour)}
    theirs = {*services(of(job, other(colour)), other(colour))}
    links = [paths.starts_at_boot(service)[0] for service in [*sorted(ours), *sorted(theirs)]]
    files = {paths.quadlet(worker.units[colour].name) for worker in (*wanted, *before)}
    return [*links, *sorted(files)]


def before(job: Job, colour: Colour) -> Workers:
    """What putting a release to `colour` back ends and starts again; nothing where that colour serves already."""
    if job.active == colour:
        return Workers()
    mine = (*of(job, colour), *job.wanted.workers)
    theirs = of(job, job.active) if job.active else ()
    return Workers(
        end=tuple(dict.fromkeys(services(mine, colour))),
        start=tuple(each for each in services(theirs, other(colour)) if not units.stopped(job.ports, each)),
        wait_s=time_to_end(mine),
    )


def start(job: Job, workers: Iterable[Worker], colour: Colour) -> None:
    """Start workers in a colour, as far as they don't run. Raises Failed."""
    ports = job.ports
    missing = [service for service in services(workers, colour) if not units.state(ports, service).running]
    if not missing:
        return
    job.changed = True
    result = ports.runner.run(commands.start(*missing), timeout_s=_START_S)
    if not result.ok:
        down = [service for service in missing if not units.state(ports, service).running] or missing
        said = result.text.splitlines()
        raise Failed(
            "workers",
            f"{', '.join(down)} didn't start: {said[0] if said else f'status {result.code}'}",
            "look at the log lines; correct the command (features.workers) and release again",
            log=units.log_lines(ports, down[0], job.started_at),
        )
    job.fresh += missing


def look(job: Job, *, unseen: bool) -> None:
    """Watch those that this run has started for a moment: each has to go on running. Raises Failed.

    `unseen`: no user is sent to the new release yet, so that it is given up when nobody waits for it any more.
    """
    deadline = job.ports.clock.monotonic() + _LOOK_S
    while job.fresh:
        if unseen:
            asker.must_wait(job.ports, "workers")
        for service in job.fresh:
            _must_run(job, service)
        if job.ports.clock.monotonic() >= deadline:
            job.fresh = []
        else:
            job.ports.clock.sleep(_PAUSE_S)


def relieve(job: Job, colour: Colour) -> None:
    """Workers of the other colour that bear no other beside them end, then those of this one start and are looked at.

    What starts at boot changes hands first, so that a host which goes down in the middle comes back with one of the two.
    Raises Failed.
    """
    ours = alone(job, colour)
    names = {worker.name for worker in ours}
    before = [worker for worker in of(job, other(colour)) if worker.exclusive or worker.name in names]
    theirs = services(before, other(colour))
    not_at_boot(job, theirs)
    at_boot(job, services(ours, colour))
    units.end_all(job.ports, theirs, "workers", _REMEDY, time_to_end(before))
    start(job, ours, colour)
    look(job, unseen=False)


def end(job: Job, colour: Colour) -> None:
    """All workers of a colour get SIGTERM and their time to end. Raises Failed."""
    workers = of(job, colour)
    ended = units.end_all(job.ports, services(workers, colour), "workers", _REMEDY, time_to_end(workers))
    job.changed = job.changed or bool(ended)


def at_boot(job: Job, services: Iterable[str]) -> None:
    """Start them at boot."""
    for service in services:
        link, target = paths.starts_at_boot(service)
        if job.ports.files.link_target(link) != target:
            job.ports.files.link(link, target)


def not_at_boot(job: Job, services: Iterable[str]) -> None:
    """Don't start them at boot any more."""
    for service in services:
        link, _ = paths.starts_at_boot(service)
        if job.ports.files.link_target(link) is not None:
            job.ports.files.remove(link)


def _must_run(job: Job, service: str) -> None:
    state = units.state(job.ports, service)
    if state.running and not state.restarts:
        return
    code = units.exit_code(job.ports, service, job.started_at)
    raise Failed(
        "workers",
        f"{service} ended: {health.ending(state, state.exit_status if code is None else code)}",
        "look at the log lines: the worker ends by itself after it starts; correct it (features.workers) and release again",
        log=units.log_lines(job.ports, service, job.started_at),
    )
