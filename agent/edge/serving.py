"""The verbs `join` and `leave`: an edge begins and ends to be one of those that a balancer sends visitors to.

A balancer is told by Pulumi whom it has, and asks each edge whether it serves; neither knows of single sites. So `join`
ends once this edge answers for all of them, and `leave` once those who came are answered. Both may be killed anywhere: run
again they go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import Failed, remedy_of
from agent.documents.reader import Reader
from agent.edge import certificates, drain, knocking, site, sites
from agent.host import commands, paths
from agent.host.ports import Busy, Ports

LONGEST_S: Final = 120
"""What an edge that nobody is sent to yet is given until it answers for every site."""
_PATIENT_S: Final = 45
"""What is not for this edge to mend is waited for so long: a certificate that nobody has, an app that answers ill."""
_LOOK_S: Final = 1
_QUIET_S: Final = 5
"""A balancer that has let go of an edge opens no connection to it for so long."""
_LET_GO_S: Final = 60
"""Longer than a balancer takes to follow; and what takes longer Caddy itself ends (its `grace_period`)."""
_WAIT_S: Final = 300
_START_S: Final = 150
_VISITORS: Final = ("0050", "01BB")  # ports 80 and 443
_EDGES: Final = ("1FA4",)  # 8100, the inner door
_NAMED: Final = 3
_JOIN: Final = "run `pulumi up` again; `codeb-agent doctor` on the server says what is wrong with it. The others serve on"


@dataclass(frozen=True)
class _Looked:
    """`lacking` keeps visitors from being sent here, `doubts` are of single sites; `again` are to be looked at again."""

    lacking: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    again: frozenset[str] | None = None


def join(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """See to it that this edge answers for all of its sites, before visitors are sent here. Raises BadDocument, Failed.

    `attached`: they are already, so this only looks, and says what is wrong.
    """
    document.version()
    attached = document.flag("attached", default=False)
    document.end()
    with _alone(ports, "join"):
        found = _looked(ports, None) if attached else _served_within(ports, LONGEST_S)
        if found.lacking and not attached:
            raise Failed("join", f"this edge does not serve yet: {_few(found.lacking)}", _JOIN)
        count = len(ports.files.listing(paths.SITES))
        ports.journal.log(f"join by {by}: answers for {count} sites")
    warnings = [*found.lacking, *found.doubts]
    return {"ok": True, "sites": count, "warnings": warnings, "said": [] if attached else warnings}


def leave(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Answer those who came, once nobody new comes; the rest is let go after a minute, and counted.

    The edge goes on serving: where somebody is sent here all the same, he is answered. Raises BadDocument, Failed.
    """
    document.version()
    with _alone(ports, "leave"):
        ports.journal.log(f"leave by {by}")
        left = _left(ports) if site.caddy_runs(ports) else 0
    said = (
        [f"{left} connections were open to the end and are let go (WebSockets, long downloads)"]
        if left
        else []
    )
    return {"ok": True, "let_go": left, "said": said}


def answered(ports: Ports) -> None:
    """What other edges have sent here is answered, as far as a minute allows. They send no more by now."""
    if not drain.connections(ports, _EDGES) or not site.caddy_runs(ports):
        return
    with suppress(Failed):
        drain.reload(ports, all_the_same=True)  # those that are idle end
    _until(ports, lambda: not drain.connections(ports, _EDGES), _LET_GO_S)


@contextmanager
def _alone(ports: Ports, verb: str) -> Iterator[None]:
    """One that was cut off may still be at work here."""
    try:
        with ports.files.lock(paths.SERVING_LOCK, _WAIT_S):
            yield
    except Busy as error:
        raise Failed(verb, str(error), "wait for the other run to end and run again") from error
    except OSError as error:
        raise Failed(verb, str(error), remedy_of(error, "run again"), put_back="nothing") from error


def _served_within(ports: Ports, longest_s: float) -> _Looked:
    """What there is to say of this edge once it serves, at the latest after that time."""
    start, among = ports.clock.monotonic(), None
    while True:
        idle = _not_reading(ports)
        found = _Looked((idle,), again=among) if idle else _looked(ports, among)
        waited = ports.clock.monotonic() - start
        enough = longest_s if found.lacking else min(longest_s, _PATIENT_S) if found.doubts else 0
        if waited >= enough:
            return found
        among = found.again
        ports.clock.sleep(_LOOK_S)


def _not_reading(ports: Ports) -> str:
    """See to it that Caddy runs and has read its files; why it has not, "" when it has."""
    if not site.caddy_runs(ports):
        started = ports.runner.run(commands.start(paths.CADDY_SERVICE), timeout_s=_START_S)
        if not started.ok:
            return f"Caddy does not start: {started.text[:300]}"
    try:
        drain.reload(ports)  # nothing is done when it has read them as they are
    except Failed as error:
        return error.failure.cause
    return ""


def _looked(ports: Ports, among: frozenset[str] | None) -> _Looked:
    """`among` are the sites to look at, None for all."""
    if certificates.from_copy(ports):
        return _Looked(("it can't reach the certificates that edges share",), again=among)
    texts = sites.texts(ports)
    wanted = {path: text for path, text in texts.items() if among is None or path in among}
    found = list(knocking.doubts(ports, wanted))
    return _Looked(
        tuple(doubt.text for doubt in found if doubt.mine),
        tuple(doubt.text for doubt in found if not doubt.mine),
        frozenset(doubt.path for doubt in found),
    )


def _few(causes: tuple[str, ...]) -> str:
    more = f"; and {len(causes) - _NAMED} more" if len(causes) > _NAMED else ""
    return "; ".join(causes[:_NAMED]) + more


def _left(ports: Ports) -> int:
    """Connections that are still open after all that ends by itself has been given its time. Raises Failed."""
    ports.files.write(paths.DRAINING, b"", 0o644)  # each answer is the last on its connection
    _until(ports, _nobody_new(ports), _LET_GO_S)
    drain.reload(ports, all_the_same=True)  # HTTP/2 says good-bye, and what is under way is answered
    _until(ports, lambda: not drain.connections(ports, _VISITORS), _LET_GO_S)
    return len(drain.connections(ports, _VISITORS))


def _nobody_new(ports: Ports) -> Callable[[], bool]:
    """Whether no connection has come for a while, asked again and again."""
    known, since = drain.connections(ports, _VISITORS), ports.clock.monotonic()

    def quiet() -> bool:
        nonlocal known, since
        here = drain.connections(ports, _VISITORS)
        if here - known:
            since = ports.clock.monotonic()
        known = here
        return ports.clock.monotonic() - since >= _QUIET_S

    return quiet


def _until(ports: Ports, done: Callable[[], bool], longest_s: float) -> None:
    start = ports.clock.monotonic()
    while not done() and ports.clock.monotonic() - start < longest_s:
        ports.clock.sleep(_LOOK_S)
