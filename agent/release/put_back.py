"""Undo a release that failed or was killed: files as before, the old colour serving, the new one stopped."""

from __future__ import annotations

from collections.abc import Callable

from agent.documents.errors import Failed
from agent.edge import drain, site
from agent.host import commands, paths, units
from agent.host.paths import other
from agent.host.ports import Ports
from agent.release import cache, undo
from agent.release.job import Job
from agent.release.undo import Undo

_STOP_S = 180
_REMEDY = "see what the cause says and run again: the rest is put back then, before anything else"


def put_back(job: Job) -> Undo | None:
    """Put everything back that the undo file names and return that; without one nothing was changed. All steps are tried.

    Raises Failed when a step failed; the undo file stays then and the next run tries again.
    """
    note = undo.load(job.ports, job.project)
    if note is None:
        return None
    steps: list[Callable[[Job, Undo], None]] = [_traffic, _site, _serving, _target, _workers, _files, _first]
    problems = []
    for step in steps:
        try:
            step(job, note)
        except Failed as error:
            problems.append(error.failure.cause)
    if problems:
        raise Failed("put-back", "; ".join(problems), _REMEDY)
    job.ports.files.remove(paths.undo(job.project))
    job.ports.journal.log(f"{job.project}: put back, {note.active or 'nothing'} serves")
    return note


def _traffic(job: Job, note: Undo) -> None:
    """Users first: the upstream file, and what starts at boot.

    A first release has nothing to send them to: it answers to the names that it took until their site has them back.
    """
    upstream = [paths.upstream(job.project)] if note.active is not None else []
    users = [note.of(path) for path in (paths.canary_weight(job.project), *upstream)]
    for saved in (*users, *note.boot):
        undo.restore(job.ports.files, saved)


def _site(job: Job, note: Undo) -> None:
    site.restore(job.ports, note.sites)
    if note.reload and site.caddy_runs(job.ports):
        drain.reload(job.ports)


def _serving(job: Job, note: Undo) -> None:
    """The old colour runs already, unless the host was restarted in the middle."""
    if note.active is None or note.active == note.target:
        return
    service = paths.service(job.project, note.active)
    if not units.state(job.ports, service).running:
        units.must(job.ports, commands.start(service), "put-back", _REMEDY, _STOP_S)


def _target(job: Job, note: Undo) -> None:
    """The new colour, and a release command that may still run."""
    if note.target == note.active:
        return
    for service in (
        f"{paths.release_command(job.project)}.service",
        paths.service(job.project, note.target),
    ):
        units.end(job.ports, service, "put-back", _REMEDY, _STOP_S)


def _workers(job: Job, note: Undo) -> None:
    """New workers end before old ones start again: an exclusive one is never there twice."""
    before = note.workers
    units.end_all(job.ports, before.end, "put-back", _REMEDY, before.wait_s)
    missing = [service for service in before.start if not units.state(job.ports, service).running]
    if missing:
        units.must(job.ports, commands.start(*missing), "put-back", _REMEDY, _STOP_S)


def _files(job: Job, note: Undo) -> None:
    """The unit, the environment and the record of before."""
    with units.units_lock(job.ports):
        for saved in note.saved:
            if saved.path not in note.sites:
                undo.restore(job.ports.files, saved)
        units.daemon_reload(job.ports, "put-back")


def _first(job: Job, note: Undo) -> None:
    """A first release leaves nothing behind but data."""
    if note.active is not None or note.of(paths.record(job.project)).content is not None:
        return
    job.ports.files.remove_tree(paths.project_folder(job.project))
    remove_network(job.ports, job.project)
    release = job.release
    if release is not None and release.spec.cache is not None and not release.spec.cache.tls:
        cache.revoke(job.ports, release.spec.cache, release.secrets.cache_admin_password)


def remove_network(ports: Ports, project: str) -> None:
    """Delete a project's Podman network; one that isn't there is fine."""
    network = paths.network(project)
    ports.runner.run(commands.stop(f"{network}-network.service"))
    ports.runner.run(commands.remove_network(network))


def described(job: Job) -> str:
    """What serves after putting back, in words."""
    if job.active is None:
        return (
            "everything: this was the first release, its container, units and files are removed; data is kept"
        )
    known = job.known(job.active)
    what = f" ({known.spec.image})" if known else ""
    return (
        f"everything: {job.active}{what} goes on serving, {other(job.active)} is stopped and as it was before"
    )
