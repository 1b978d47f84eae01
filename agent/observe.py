"""What the host looks like before a release or rollback: which event the state machine starts with."""

from __future__ import annotations

from agent import edge, health, images, paths, record, undo, units
from agent.errors import Failed
from agent.job import Job
from agent.machine import Event, Kind
from agent.paths import Colour, other
from agent.spec import Release

_TRIES = 3
_PAUSE_S = 0.3


def observe(job: Job) -> Event:
    """The first event. Raises Failed."""
    if undo.load(job.ports, job.project) is not None:
        return Event(Kind.INTERRUPTED)
    job.record = record.load(job.ports, job.project)
    stand_in = job.release.spec if job.release else None
    job.active = record.serving(job.ports, job.project, job.record, stand_in)
    return _for_release(job, job.release) if job.release else _for_rollback(job)


def _for_release(job: Job, release: Release) -> Event:
    job.spec = release.spec
    active, known = job.active, job.known(job.active)
    if active is None:
        return Event(Kind.NEW, active=None, target="blue")
    new = Event(Kind.NEW, active=active, target=other(active))
    if known is None or known.fingerprint != release.fingerprint() or release.spec.pull == "always":
        return new
    return _unchanged(job, active) if _healthy(job, active) else new


def _unchanged(job: Job, active: Colour) -> Event:
    """The active colour needn't be replaced; Caddy's site may have to be."""
    known = job.known(active)
    job.image = known.image if known else None
    kind = Kind.SITE if edge.site_differs(job.ports, job.wanted) else Kind.SAME
    return Event(kind, active=active, target=active)


def pulled(job: Job) -> Event:
    """Resolve the image; with `pull: always` this tells whether anything is new. Raises Failed."""
    release, known = job.release, job.known(job.active)
    job.image = images.resolve(job.ports, job.wanted)
    unmoved = known is not None and known.image.id == job.image.id
    same = (
        unmoved and release is not None and known is not None and known.fingerprint == release.fingerprint()
    )
    if same and job.active is not None and _healthy(job, job.active):
        return _unchanged(job, job.active)
    return Event(Kind.DONE)


def _for_rollback(job: Job) -> Event:
    active = job.active
    if job.record is None or active is None:
        raise Failed("observe", f"{job.project} has no release on this host", "release it first")
    previous = job.known(other(active))
    if previous is None:
        raise Failed(
            "observe",
            f"{job.project} has no earlier release on this host to go back to",
            "release the image that you want instead",
        )
    if previous.withdrawn:
        job.spec, known = previous.spec, job.known(active)
        job.spec, job.image = (known.spec, known.image) if known else (previous.spec, previous.image)
        return Event(Kind.NOTHING, active=active, target=active)
    job.spec, job.image = previous.spec, previous.image
    target = other(active)
    running = units.state(job.ports, paths.service(job.project, target)).running
    standing = running and health.check(job.ports, previous.spec, target).healthy
    return Event(Kind.STANDING if standing else Kind.STOPPED, active=active, target=target)


def _healthy(job: Job, colour: Colour) -> bool:
    """Whether a colour answers healthily; one bad answer may be chance."""
    if not units.state(job.ports, paths.service(job.project, colour)).running:
        return False
    for attempt in range(_TRIES):
        if attempt:
            job.ports.clock.sleep(_PAUSE_S)
        if health.check(job.ports, job.wanted, colour).healthy:
            return True
    return False
