"""What the host looks like before a release or rollback: which event the state machine starts with."""

from __future__ import annotations

from dataclasses import replace

from agent.documents.errors import Failed
from agent.edge import guard, site, traffic
from agent.host import commands, paths, units
from agent.host.paths import Colour, other
from agent.images import pull, store
from agent.project import health, record
from agent.project.record import ColourRecord
from agent.project.spec import Release, Spec
from agent.release import places, undo
from agent.release.job import Job
from agent.release.machine import Event, Kind

_TRIES = 3
_PAUSE_S = 0.3


def observe(job: Job) -> Event:
    """The first event. Raises Failed."""
    if undo.load(job.ports, job.project) is not None:
        job.found = True
        return Event(Kind.INTERRUPTED)
    job.record = record.load(job.ports, job.project)
    stand_in = job.release.spec if job.release else None
    job.active = record.serving(job.ports, job.project, job.record, stand_in)
    if job.restart:
        return _for_restart(job)
    return _for_release(job, job.release) if job.release else _for_rollback(job)


def _for_release(job: Job, release: Release) -> Event:
    job.spec = release.spec
    if job.active is None:
        return Event(Kind.NEW, active=None, target="blue")
    job.unsure = release.spec.pull == "always"
    there = None if job.unsure else _there(job, release, None)
    return there or Event(Kind.NEW, active=job.active, target=other(job.active))


def pulled(job: Job) -> Event:
    """Resolve the image, which may tell that nothing is new. Raises Failed."""
    release = job.release
    if release is None:
        raise Failed("pull", "no release to pull", "this is a defect of the agent")
    try:
        job.image = store.resolve(job.ports, job.wanted, job.warnings.append, release.digest)
    except pull.Unreachable as error:
        there = _there(job, release, None, asked=True)
        if there is None:
            raise
        job.warnings.append(f"{error.failure.cause}: it runs what {job.project} had of it before")
        return there
    return _there(job, release, job.image.id) or Event(Kind.DONE)


def _there(job: Job, release: Release, image_id: str | None, *, asked: bool = False) -> Event | None:
    """The event when one of the colours holds this very release already (and this image, when it is known).

    What serves needs no new container then, wherever its tag is by now. The release before is taken up again only once
    the registry was `asked` whether its tag is still the same image.
    """
    if job.active is None:
        return None

    def holds(known: ColourRecord | None) -> bool:
        if known is None or known.fingerprint != release.fingerprint():
            return False
        return image_id in (None, known.image.id) and release.digest in ("", known.image.digest)

    active, idle = job.known(job.active), job.known(other(job.active))
    if active is not None and holds(active):
        job.spec = release.spec.placed(job.active, active.spec.ports[job.active])
        return _unchanged(job, job.active, active) if _healthy(job, job.active) else None
    if active is None or idle is None or not holds(idle):
        return None
    if not idle.withdrawn:
        if image_id is None and not asked and not release.digest and store.may_move(release.spec):
            job.unsure = True
            return None
        job.spec = release.spec.placed(other(job.active), idle.spec.ports[other(job.active)])
        return _resumed(job, other(job.active), idle)
    return _held(job, job.active, active, idle) if _healthy(job, job.active) else None


def _unchanged(job: Job, colour: Colour, known: ColourRecord) -> Event:
    """The active colour needn't be replaced; what stands around it may have to be."""
    job.image = known.image
    differs = site.differs(job.ports, job.wanted) or traffic.maintenance_differs(job.ports, job.wanted)
    kind = Kind.SITE if differs else Kind.SAME
    return Event(kind, active=colour, target=colour)


def _held(job: Job, colour: Colour, known: ColourRecord, withdrawn: ColourRecord) -> Event:
    """A rollback withdrew this very release: what it went back to stays, with the new site around it."""
    job.held, job.spec = True, known.spec.around(job.wanted)
    job.warnings.append(
        f"{job.project} stays on {known.spec.image}: {known.why}. {withdrawn.spec.image} was withdrawn and comes "
        "back when the manifest changes its image or environment, or by `codeb rollback "
        f"{job.project} --forward`"
    )
    return _unchanged(job, colour, known)


def _resumed(job: Job, colour: Colour, known: ColourRecord) -> Event | None:
    """The manifest was set back to the release before; None when its image is gone, or its port another's."""
    if not job.ports.runner.run(commands.image_exists(known.image.reference)).ok:
        return None
    if places.served(job.ports, job.wanted, colour):
        return None
    job.image, job.resumed = known.image, True
    return _standing(job, colour)


def _for_rollback(job: Job) -> Event:
    active, known = job.active, job.known(job.active)
    if active is None or known is None:
        raise Failed("observe", f"{job.project} has no release on this host", "release it first")
    idle = job.known(other(active))
    if idle is None:
        raise Failed(
            "observe",
            f"{job.project} has no earlier release on this host to go back to",
            "release the image that you want instead",
        )
    if not _other_release(known, idle):
        raise Failed(
            "observe",
            f"the other colour holds what serves, too ({known.spec.image}), as after a restart: nothing else is left",
            "release the image that you want by the manifest instead",
        )
    if idle.withdrawn != job.forward:
        job.spec, job.image = known.spec, known.image
        job.warnings.append(_nothing(job, known, idle))
        return Event(Kind.NOTHING, active=active, target=active)
    job.spec, job.image = _as_guarded_now(idle.spec, known.spec), idle.image
    _names_are_free(job)
    return _standing(job, other(active))


def _as_guarded_now(spec: Spec, now: Spec) -> Spec:
    """A release to go back to, with what a rollback leaves as it is: maintenance, names given up, and who gets in."""
    text = spec.site
    if text is not None and now.site is not None:
        site_now = guard.asking(now.site, now.health.path, spec.health.path)
        text = guard.kept(text, site_now)
    return replace(spec, maintenance=now.maintenance, ceded=now.ceded, site=text)


def _for_restart(job: Job) -> Event:
    """What serves is to run on the other colour, whose own release is forgotten."""
    active, known = job.active, job.known(job.active)
    if active is None or known is None:
        raise Failed("observe", f"{job.project} has no release on this host", "release it first")
    idle = job.known(other(active))
    if idle is not None and idle.withdrawn:
        raise Failed(
            "observe",
            f"a rollback is in force, and a restart would forget {idle.spec.image}, which it withdrew",
            f"`codeb rollback {job.project} --forward` lifts it; or release another image by the manifest",
        )
    if idle is not None and idle.release_id and _other_release(known, idle):
        job.warnings.append(
            f"{job.project} can't be rolled back to {idle.spec.image} ({idle.release_id}) any more: the restarted "
            "release took the colour that it stood on"
        )
    job.spec, job.image = known.spec, known.image
    return Event(Kind.RESTART, active=active, target=other(active))


def _other_release(known: ColourRecord, idle: ColourRecord) -> bool:
    return (known.fingerprint, known.image.id) != (idle.fingerprint, idle.image.id)


def _names_are_free(job: Job) -> None:
    """A rollback takes no name back that was given to another project. Raises Failed."""
    for name, project in sorted(site.taken(job.ports, job.wanted).items()):
        raise Failed(
            "observe",
            f"{name}, which that release answers to, belongs to {project} by now",
            "release the wanted image by the manifest instead, with the names that the project has now",
        )


def _nothing(job: Job, known: ColourRecord, idle: ColourRecord) -> str:
    if job.forward:
        return f"{known.spec.image} serves already: no rollback is in force"
    return f"{known.spec.image} serves already: {known.why}; {idle.spec.image} stays withdrawn"


def _standing(job: Job, target: Colour) -> Event:
    """Whether the target still stands by, or has to be started."""
    running = units.state(job.ports, paths.service(job.project, target)).running
    standing = running and health.check(job.ports, job.wanted, target).healthy
    return Event(Kind.STANDING if standing else Kind.STOPPED, active=job.active, target=target)


def _healthy(job: Job, colour: Colour) -> bool:
    """Whether a colour answers healthily; one bad answer may be chance."""
    if not units.state(job.ports, paths.service(job.project, colour)).running:
        return False
    known = job.known(colour)
    spec = known.spec.around(job.wanted) if known else job.wanted  # it listens where it was released
    for attempt in range(_TRIES):
        if attempt:
            job.ports.clock.sleep(_PAUSE_S)
        if health.check(job.ports, spec, colour).healthy:
            return True
    return False
