"""Whether a release is healthy: a pure judgement of one answer, and the gate that asks until it is sure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import Failed
from agent.documents.redact import CUT
from agent.host import asker, paths, units
from agent.host.paths import Colour
from agent.host.ports import NoReply, Ports, Reply
from agent.project.spec import Health, Spec

_GOOD_WORDS: Final = frozenset({"ok", "up", "healthy", "connected", "pass", "true", "ready"})
_CRASHES: Final = 2  # restarts by systemd before the wait is given up
_KILLED: Final = 137
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_VISITOR: Final = "127.0.0.1"
_LONGEST: Final = 200  # characters of an answer that a cause repeats


@dataclass(frozen=True)
class Verdict:
    """Judgement of one check, with the reason in words when it isn't healthy."""

    healthy: bool
    reason: str = ""


def judge(reply: Reply, max_response_ms: int | None) -> Verdict:
    """Status 200, fast enough (unless None), and a database, when the body speaks of one, reported ok."""
    if reply.status in _REDIRECTS and "location" in reply.headers:
        return Verdict(
            False, f"answered {reply.status}, a redirect to {reply.headers['location'][:_LONGEST]}"
        )
    if reply.status != 200:
        return Verdict(False, f"answered {reply.status}{_excerpt(reply.body)}")
    database = _database(reply.body)
    if database is not None and not _good(database):
        return Verdict(False, f"answered 200, but reports its database as {_short(database)}")
    if max_response_ms is not None and reply.elapsed_ms > max_response_ms:
        return Verdict(False, f"answered in {reply.elapsed_ms:.0f} ms, the limit is {max_response_ms} ms")
    return Verdict(True)


def ask(ports: Ports, spec: Spec, address: str) -> Reply:
    """The answer of the release at `address`, past Caddy but asked as Caddy asks for a visitor. Raises NoReply."""
    headers = {
        "X-Forwarded-For": _VISITOR,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": spec.domain,
        "X-Real-IP": _VISITOR,
    }
    timeout = spec.health.timeout_ms
    return ports.http.get(address, spec.health.path, host=spec.domain, timeout_ms=timeout, headers=headers)


def check(ports: Ports, spec: Spec, colour: Colour) -> Verdict:
    """One check of one colour, past Caddy."""
    try:
        return judge(ask(ports, spec, spec.address(colour)), spec.health.max_response_ms)
    except NoReply as error:
        return Verdict(False, str(error))


def await_healthy(ports: Ports, spec: Spec, colour: Colour, since: float) -> None:
    """Ask until `successes` checks in a row are healthy. Raises Failed when time is up or the app crashes.

    `since`: seconds since 1970 from which on log lines belong to this start.
    """
    health, service = spec.health, paths.service(spec.project, colour)
    deadline = ports.clock.monotonic() + health.start_timeout_ms / 1000
    row, last = 0, Verdict(False, "was never asked")
    while row < health.successes:
        asker.must_wait(ports, "health")
        last = check(ports, spec, colour)
        row = row + 1 if last.healthy else 0
        if row == health.successes:
            return
        if not last.healthy:
            _give_up_on_crash(ports, service, since)
        if ports.clock.monotonic() >= deadline:
            raise Failed(
                "health",
                _too_late(spec, colour, last, row),
                _advice(last),
                log=units.log_lines(ports, service, since),
            )
        ports.clock.sleep(_pause(health, last))


def _pause(health: Health, last: Verdict) -> float:
    """Seconds until the next check; an app that isn't up yet is asked more often."""
    return (health.interval_ms if last.healthy else min(health.interval_ms, 250)) / 1000


def _too_late(spec: Spec, colour: Colour, last: Verdict, row: int) -> str:
    seconds = spec.health.start_timeout_ms / 1000
    where = f"{spec.address(colour)}{spec.health.path}"
    if last.healthy:
        return (
            f"{where} had only {row} of {spec.health.successes} healthy answers in a row after {seconds:g} s"
        )
    return f"not healthy after {seconds:g} s: {where} {last.reason}"


def _advice(last: Verdict) -> str:
    if "a redirect to" in last.reason:
        return (
            "monitoring.health.path has to answer 200 itself, without a login; it is asked with the app's domain as "
            "Host and X-Forwarded-Proto: https, as Caddy asks"
        )
    if "refused" in last.reason:
        return "does the app listen on environment.port of the manifest, on all interfaces?"
    return "look at the log lines, fix the app (or monitoring.health in the manifest) and release again"


def _give_up_on_crash(ports: Ports, service: str, since: float) -> None:
    state = units.state(ports, service)
    if state.active != "failed" and state.restarts < _CRASHES:
        return
    code = units.exit_code(ports, service, since)
    raise Failed(
        "health",
        f"the app's container ended: {ending(state, state.exit_status if code is None else code)}",
        "look at the log lines: the app ends by itself after it starts; fix it and release again",
        log=units.log_lines(ports, service, since),
    )


def job_ending(state: units.UnitState, code: int | None, timeout_ms: int) -> str:
    """How a release command ended, in words."""
    if state.result == "timeout":
        return f"the release command took longer than {timeout_ms / 1000:g} s (features.release_timeout)"
    return f"the release command ended: {ending(state, state.exit_status if code is None else code)}"


def ending(state: units.UnitState, code: int) -> str:
    """With what exit code a container ended, and how often, in words."""
    times = f", started again {state.restarts} times" if state.restarts else ""
    if state.result == "oom-kill" or code == _KILLED:
        return (
            f"killed with exit code 137{times}: out of memory, most likely (resources.memory in the manifest)"
        )
    return f"exit code {code}{times}"


def _database(body: bytes) -> object:
    """What the body reports of its database: `database` or `checks.database`; None when it says nothing."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    if document.get("database") is not None:
        return document["database"]
    checks = document.get("checks")
    return checks.get("database") if isinstance(checks, dict) else None


def _good(value: object) -> bool:
    if isinstance(value, dict):
        return _good(value.get("status", value.get("ok")))
    return str(value).lower() in _GOOD_WORDS


def _short(value: object) -> str:
    return json.dumps(value)[:_LONGEST]


def _excerpt(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return f": {text[:_LONGEST]}{CUT if len(text) > _LONGEST else ''}" if text else ""
