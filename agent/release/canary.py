"""Canary steps: a new release gets a growing share of the requests, and has to answer them well."""

from __future__ import annotations

from typing import Final

from agent.documents.errors import Failed
from agent.edge import site, traffic
from agent.host import asker
from agent.host.paths import Colour
from agent.project import health
from agent.release.job import Job
from agent.release.machine import Event, Kind

_ENOUGH: Final = 20
"""Answers below which a share of errors says too little to end a step early."""
_PAUSE_S: Final = 2.0
_SICK: Final = 3


def shift(job: Job, colour: Colour) -> Event | None:
    """One step: send its percent to `colour`, watch for its time. `step` when another one follows.

    Without steps, with nothing that serves yet, at a restart, or without Caddy on this host there is nothing to do.
    Raises Failed when the new release breaches the limit of errors, or is no longer healthy.
    """
    wanted = job.wanted
    if (
        wanted.canary is None
        or job.restart
        or job.active is None
        or wanted.site is None
        or not wanted.canary.steps
    ):
        return None
    percent = wanted.canary.steps[job.step]
    if job.step == 0:
        traffic.set_canary(job.ports, wanted, 0, wanted.address(colour))
        site.write(job.ports, wanted)
    since = job.ports.clock.now().timestamp()
    traffic.set_canary(job.ports, wanted, percent, wanted.address(colour))
    job.changed = True
    job.ports.journal.log(f"{job.project}: {colour} gets {percent} % of the requests")
    _watch(job, colour, percent, since)
    job.step += 1
    return Event(Kind.STEP) if job.step < len(wanted.canary.steps) else None


def end(job: Job) -> None:
    """Nobody is sent to a candidate any more; the files that the site reads are there from the start."""
    if job.wanted.canary is not None:
        traffic.set_canary(job.ports, job.wanted, 0, job.wanted.address(job.active or "blue"))


def _watch(job: Job, colour: Colour, percent: int, since: float) -> None:
    canary = job.wanted.canary
    if canary is None:
        return
    deadline, sick = job.ports.clock.monotonic() + canary.wait_ms / 1000, 0
    while True:
        asker.must_wait(job.ports, "canary")
        left = deadline - job.ports.clock.monotonic()
        requests, errors = traffic.canary_counts(job.ports, job.wanted, job.wanted.address(colour), since)
        if errors * 100 > canary.max_error_percent * requests and (requests >= _ENOUGH or left <= 0):
            raise _breach(percent, requests, errors, canary.max_error_percent)
        verdict = health.check(job.ports, job.wanted, colour)
        sick = 0 if verdict.healthy else sick + 1
        if sick == _SICK:
            raise Failed(
                "canary",
                f"at {percent} % of the requests the new release {verdict.reason}, {_SICK} times in a row",
                "look at its log on the host, fix the app and release again",
            )
        if left <= 0:
            break
        job.ports.clock.sleep(min(_PAUSE_S, left))
    if requests < _ENOUGH:
        job.warnings.append(f"canary: {requests} requests at {percent} % say little about the new release")


def _breach(percent: int, requests: int, errors: int, limit: float) -> Failed:
    share = 100 * errors / requests
    return Failed(
        "canary",
        f"at {percent} % of the requests {errors} of {requests} answers of the new release were 5xx "
        f"({share:.1f} %, the limit is {limit:g} %)",
        "look at the app's log, fix it and release again (features.canary_error_percent is the limit)",
    )
