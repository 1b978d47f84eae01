"""Carries out the commands of the state machine through the ports, one function a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from agent.documents.errors import Failed
from agent.edge import probe, site, traffic
from agent.host import asker, commands, paths, units
from agent.host.paths import Colour
from agent.images import in_units, store
from agent.known import tell, values
from agent.project import environment, health
from agent.release import cache, canary, cron, observe, places, put_back, service_cache, undo, workers
from agent.release.commit import commit, note_interrupted
from agent.release.job import Job
from agent.release.machine import Command, Event, Verb

_STOP_S: Final = 180


def perform(job: Job, command: Command) -> Event | None:
    """Run one command; the event when it found out more than that it is done. Raises Failed."""
    return _ACTIONS[command.verb](job, command.colour)


def _observe(job: Job, _: Colour) -> Event:
    return observe.observe(job)


def _pull(job: Job, _: Colour) -> Event:
    return observe.pulled(job)


def _put_back(job: Job, _: Colour) -> None:
    note = put_back.put_back(job)
    if job.found and note is not None:
        note_interrupted(job, note)
    job.found = False


def _check_site(job: Job, _: Colour) -> None:
    if job.release is not None and job.image is not None:
        environment.check(job.ports, job.release.secrets.environment, job.image)
    site.check(job.ports, job.wanted)


def _choose_port(job: Job, colour: Colour) -> None:
    places.choose(job, colour)


def _clear_port(job: Job, colour: Colour) -> None:
    places.clear(job, colour)


def _cancel_standby(job: Job, _: Colour) -> None:
    """A timer that is still there would stop a colour that serves again. Raises Failed."""
    units.end_timer(job.ports, f"{paths.standby(job.project)}.timer", "prepare")


def _open_undo(job: Job, colour: Colour) -> None:
    attempt = undo.Attempt(job.now(), job.by, job.wanted.image, job.image.digest if job.image else "")
    before, more = workers.before(job, colour), workers.touched(job, colour)
    undo.write(job.ports, job.wanted, colour, job.active, attempt, before, more)


def _not_at_boot(job: Job, colour: Colour) -> None:
    job.ports.files.remove(paths.boot_link(job.project, colour))
    workers.not_at_boot(job, workers.services(workers.of(job, colour), colour))


def _at_boot(job: Job, colour: Colour) -> None:
    """The app and its workers but those that are still the old release's, until they are relieved."""
    shared = workers.services(workers.shared(job, colour), colour)
    workers.at_boot(job, [paths.service(job.project, colour), *shared])


def _start_workers(job: Job, colour: Colour) -> None:
    workers.start(job, workers.shared(job, colour), colour)


def _look_at_workers(job: Job, _: Colour) -> None:
    workers.look(job, unseen=True)


def _stop(job: Job, colour: Colour) -> None:
    """Stop a colour that doesn't serve, and forget that it may have failed. Raises Failed."""
    service = paths.service(job.project, colour)
    if units.state(job.ports, service).active not in ("inactive", "failed"):
        units.must(job.ports, commands.stop(service), "prepare", f"see `systemctl status {service}`", _STOP_S)
    job.ports.runner.run(commands.reset_failed(service))


def _write(job: Job, colour: Colour) -> None:
    spec, release = job.wanted, job.release
    if job.image is None or (release is None and job.active is None):
        raise Failed("prepare", "no release to write", "this is a defect of the agent")
    files, wanted = job.ports.files, [spec.network, spec.colours[colour]]
    files.directory(paths.project_folder(job.project), 0o700, "root:root")
    of_serving = environment.read(files, job.project, job.active) if job.active else {}
    environment.write(files, job.project, colour, release.secrets.environment if release else of_serving)
    if release:
        tell.add(job.ports, values.of_project(release.secrets.environment, release.spec))
    files.write(paths.digest(job.project, colour), in_units.digest_file(job.image), 0o644)
    if spec.job is not None:
        for link, target in paths.candidate_links(job.project, colour).items():
            files.link(link, target)
        wanted.append(spec.job.unit)
    wanted += [worker.units[colour] for worker in spec.workers]
    texts = {paths.quadlet(unit.name): in_units.filled_in(unit, job.image) for unit in wanted}
    stale = [paths.quadlet(worker.units[colour].name) for worker in workers.of(job, colour)]
    stale = [path for path in stale if path not in texts]
    for path in stale:
        files.remove(path)
    units.install(job.ports, texts, "prepare", removed=bool(stale))
    job.changed = True


def _grant_cache(job: Job, colour: Colour) -> None:
    """What the document says of the cache, also where nothing else is new: rules change without a release."""
    release = job.release
    index = release.spec.cache if release else None
    if release is None or index is None:
        return
    if index.tls:
        service_cache.check(job.ports, index, release.secrets.cache_password)
        return
    lives = (job.known(job.active), job.known(paths.other(colour)))
    also = {known.cache_hash for known in lives if known} - {release.cache_hash(), ""}
    secrets = release.secrets
    emptied = cache.grant(job.ports, index, secrets.cache_password, also, secrets.cache_admin_password)
    if emptied:
        job.ports.journal.log(f"{job.project}: cache index {index.index} is new to it and was emptied")


def _run_job(job: Job, _: Colour) -> None:
    """The release command, once and to its end: the new release starts only after it went well."""
    if job.wanted.job is None or job.restart:
        return
    ports, service = job.ports, f"{paths.release_command(job.project)}.service"
    job.ports.journal.log(f"{job.project}: release command")
    since = ports.clock.now().timestamp()
    limit_s = job.wanted.job.timeout_ms / 1000 + 60
    result = ports.runner.run(commands.start(service), timeout_s=limit_s, unless=ports.asker.gone)
    if result.ok:
        return
    state, code = units.state(ports, service), units.exit_code(ports, service, since)
    ports.runner.run(commands.stop(service), timeout_s=_STOP_S)
    ports.runner.run(commands.reset_failed(service))
    asker.must_wait(ports, "job", "; the release command was stopped (SIGTERM)")
    raise Failed(
        "job",
        health.job_ending(state, code, job.wanted.job.timeout_ms),
        "look at the log lines; correct the command or what it works on (features.release_command) and release again",
        log=units.log_lines(ports, service, since),
    )


def _shift(job: Job, colour: Colour) -> Event | None:
    return canary.shift(job, colour)


def _end_canary(job: Job, _: Colour) -> None:
    canary.end(job)


def _start(job: Job, colour: Colour) -> None:
    service = paths.service(job.project, colour)
    wait = job.wanted.health.start_timeout_ms / 1000 + 60
    result = job.ports.runner.run(commands.start(service), timeout_s=wait)
    if not result.ok:
        said = result.text.splitlines()
        raise Failed(
            "start",
            f"{service} didn't start: {said[0] if said else f'status {result.code}'}",
            "look at the log lines (image, command, ports taken); correct it and release again",
            log=units.log_lines(job.ports, service, job.started_at),
        )


def _await_health(job: Job, colour: Colour) -> None:
    health.await_healthy(job.ports, job.wanted, colour, job.started_at)


def _point(job: Job, colour: Colour) -> None:
    moved = traffic.ensure_upstream(job.ports, job.project, job.wanted.address(colour))
    job.changed = job.changed or moved
    if moved:
        job.ports.journal.log(f"{job.project}: {colour} serves from now on ({job.wanted.address(colour)})")


def _write_site(job: Job, _: Colour) -> None:
    job.changed = traffic.set_maintenance(job.ports, job.wanted) or job.changed
    job.changed = site.write(job.ports, job.wanted) or job.changed


def _probe(job: Job, colour: Colour) -> None:
    warning = probe.probe(job.ports, job.wanted, job.wanted.address(colour))
    if warning:
        job.warnings.append(warning)


def _commit(job: Job, colour: Colour) -> None:
    commit(job, colour)


def _cron(job: Job, colour: Colour) -> None:
    cron.install(job, colour)


def _stand_by(job: Job, colour: Colour) -> None:
    """Let the old colour stand by for a rollback, and stop it when its time is over."""
    service, timer = paths.service(job.project, colour), paths.standby(job.project)
    if job.active is None or not units.state(job.ports, service).running:
        return
    minutes = job.wanted.standby_minutes
    if minutes == 0:
        _stop(job, colour)
    elif not units.state(job.ports, f"{timer}.timer").running:
        remedy = f"run `systemctl stop {service}` when no rollback will be needed"
        units.must(job.ports, commands.stop_later(timer, service, minutes), "settle", remedy)


def _prune(job: Job, _: Colour) -> None:
    store.prune(job.ports, job.project, job.left, job.spec)


_ACTIONS: Final[Mapping[Verb, Callable[[Job, Colour], Event | None]]] = {
    Verb.OBSERVE: _observe,
    Verb.PUT_BACK: _put_back,
    Verb.PULL: _pull,
    Verb.GRANT_CACHE: _grant_cache,
    Verb.CHECK_SITE: _check_site,
    Verb.CHOOSE_PORT: _choose_port,
    Verb.CLEAR_PORT: _clear_port,
    Verb.CANCEL_STANDBY: _cancel_standby,
    Verb.OPEN_UNDO: _open_undo,
    Verb.START_NOT_AT_BOOT: _not_at_boot,
    Verb.STOP: _stop,
    Verb.WRITE: _write,
    Verb.START: _start,
    Verb.RUN_JOB: _run_job,
    Verb.AWAIT_HEALTH: _await_health,
    Verb.START_WORKERS: _start_workers,
    Verb.LOOK_AT_WORKERS: _look_at_workers,
    Verb.RELIEVE_WORKERS: workers.relieve,
    Verb.END_WORKERS: workers.end,
    Verb.SHIFT: _shift,
    Verb.END_CANARY: _end_canary,
    Verb.START_AT_BOOT: _at_boot,
    Verb.POINT: _point,
    Verb.WRITE_SITE: _write_site,
    Verb.PROBE: _probe,
    Verb.COMMIT: _commit,
    Verb.CRON: _cron,
    Verb.STAND_BY: _stand_by,
    Verb.PRUNE: _prune,
}
