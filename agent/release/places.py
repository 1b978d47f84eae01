"""On which of its two ports a new container is to listen, when another project may still be using one of them.

Ports change hands like names: who takes a pair starts on the port that the project before doesn't serve on. That one's
standby gives way.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.paths import COLOURS, Colour, other
from agent.host.ports import Busy, Ports
from agent.project import record
from agent.project.spec import Spec
from agent.release.job import Job

_LOCK_S = 60
_STOP_S = 180


@dataclass(frozen=True)
class Holder:
    """A colour of another project that listens on a port here, or would at the next boot."""

    project: str
    colour: Colour
    serving: bool


def choose(job: Job, colour: Colour) -> None:
    """Place `colour` of the wanted release on a port of its pair that nobody serves on. Raises Failed."""
    spec = job.wanted
    known = job.known(job.active)
    own = known.spec.ports[job.active] if known and job.active else None
    found = holders(job.ports, spec)
    for port in (spec.ports[colour], spec.ports[other(colour)]):
        if port != own and not (port in found and found[port].serving):
            job.spec = spec.placed(colour, port)
            return
    told = " and ".join(f"{port} by {one.project}" for port, one in sorted(found.items()) if one.serving)
    raise Failed(
        "check",
        f"both ports of {job.project} are in use: {told}" + (f" and {own} by itself" if own else ""),
        "wait until the other project has moved and run again, or give this one other ports (servers.ports)",
    )


def served(ports: Ports, spec: Spec, colour: Colour) -> bool:
    """Whether another project serves on the port of this colour."""
    holder = holders(ports, spec).get(spec.ports[colour])
    return holder is not None and holder.serving


def clear(job: Job, colour: Colour) -> None:
    """Stop the standby of another project on the port where `colour` is to start. Raises Failed.

    One that serves there is never stopped: a rollback to a port that was given away fails.
    """
    port = job.wanted.ports[colour]
    holder = holders(job.ports, job.wanted).get(port)
    if holder is None:
        return
    if holder.serving:
        raise Failed(
            "prepare",
            f"port {port} belongs to {holder.project} by now",
            "release the wanted image by the manifest instead: it gets a port of its own",
        )
    try:
        with job.ports.files.lock(paths.project_lock(holder.project), _LOCK_S):
            _stop_standby(job, port)
    except Busy as error:
        raise Failed("prepare", str(error), "wait for the other run to end and run again") from error


def _stop_standby(job: Job, port: int) -> None:
    """Look once more, now that nobody else works on that project."""
    holder = holders(job.ports, job.wanted).get(port)
    if holder is None or holder.serving:
        return
    service = paths.service(holder.project, holder.colour)
    job.ports.runner.run(commands.stop(f"{paths.standby(holder.project)}.timer"))
    units.end(job.ports, service, "prepare", f"see `systemctl status {service}` and run again", _STOP_S)
    said = f"{holder.project} can't be rolled back any more: its standby ended, as port {port} is {job.project}'s now"
    job.warnings.append(said)
    job.ports.journal.log(said)


def holders(ports: Ports, spec: Spec) -> dict[int, Holder]:
    """Who of the other projects here listens on the ports of this one."""
    found: dict[int, Holder] = {}
    for project in record.known_projects(ports):
        if project != spec.project and _mentions(ports, project, spec):
            found |= _held(ports, project, spec)
    return found


def _mentions(ports: Ports, project: str, spec: Spec) -> bool:
    """Whether the project's record has one of the ports anywhere; most have none and needn't be understood."""
    content = ports.files.read(paths.record(project)) or b""
    return any(str(port).encode() in content for port in spec.ports.values())


def _held(ports: Ports, project: str, spec: Spec) -> dict[int, Holder]:
    try:
        known = record.load(ports, project)
        serving = record.serving(ports, project, known)
    except (
        Failed
    ) as error:  # a project that can't be read is doctor's to tell; whoever has its port meets it there
        ports.journal.log(f"{spec.project}: {error.failure.cause}")
        return {}
    found = {}
    for colour in COLOURS if known else ():
        held = known.colours.get(colour) if known else None
        if held is None or held.spec.ports[colour] not in spec.ports.values():
            continue
        if colour == serving or units.state(ports, paths.service(project, colour)).running:
            found[held.spec.ports[colour]] = Holder(project, colour, colour == serving)
    return found
