"""Reloading Caddy without failing a request: no HTTP/1.1 client is about to send one when Caddy reloads.

A reload drops what Caddy has not begun to answer: it closes idle keep-alive connections under a client that just
sends, and new connections whose first request has not come yet. So first each answer tells its client to open a new
connection (the marker file), then new connections wait in the kernel for the moment of the reload.
Why this way, with figures: docs/edge.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from agent.documents.errors import Failed
from agent.edge import sites
from agent.host import commands, paths
from agent.host.ports import Argv, Busy, Ports

LONGEST_S: Final = 10
"""Connections that nobody used for so long are closed by the reload as they would be by the idle timeout."""
_PAUSE_S: Final = 0.1
_FIRST_REQUEST_S: Final = 0.5
"""From accepting a connection to its first request: two round trips of TLS, for clients 250 ms away."""
_BUSY_LOOK_S: Final = 0.25
_BUSY_S: Final = 3
"""A host that is busy is given so long for first requests, as long as connections still end."""
_LOCK_S: Final = 300
_RELOAD_S: Final = 120
_SOCKETS: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENERS: Final = ("0050", "01BB", "1FA4")  # ports 80, 443 and 8100, which edges come to
_ESTABLISHED: Final = "01"
_UNACCEPTED: Final = "0"


def reload(ports: Ports, *, all_the_same: bool = False) -> None:
    """Make Caddy read its files; nothing is done when it has read them as they are, unless `all_the_same`. Raises Failed.

    Runs that wait for one another share one reload. When Caddy refuses, it keeps the old configuration.
    """
    try:
        with ports.files.lock(paths.CADDY_LOCK, _LOCK_S):
            if all_the_same:
                _reload(ports, commands.CADDY_RELOAD_ALL_THE_SAME)
            elif ports.files.read(paths.CADDY_READ) != _state(ports):
                _reload(ports, commands.CADDY_RELOAD)
            ports.files.remove(paths.DRAINING)
    except Busy as error:
        raise Failed("switch", str(error), "wait for the other run to end and run again") from error


@contextmanager
def held(ports: Ports) -> Iterator[bool]:
    """New requests wait in the kernel while this is open (five seconds at most), and those of before have been answered, as
    far as a few seconds allow; whether that is so: on a host without Caddy nobody comes here. Raises Failed."""
    if ports.files.read(paths.HOLD) is None:
        yield False
        return
    with ExitStack() as lock:
        try:
            lock.enter_context(ports.files.lock(paths.CADDY_LOCK, _LOCK_S))
        except Busy as error:
            raise Failed("switch", str(error), "wait for the other run to end and run again") from error
        try:
            _drain(ports)
            _hold(ports)
            yield True
        finally:
            ports.runner.run(commands.FREE_CONNECTIONS)
            ports.files.remove(paths.DRAINING)


def stale(ports: Ports) -> bool:
    """Whether a run that was killed left the marker, which costs every user a connection per request."""
    if ports.files.read(paths.DRAINING) is None:
        return False
    try:
        with ports.files.lock(paths.CADDY_LOCK, 0):
            return ports.files.read(paths.DRAINING) is not None
    except Busy:
        return False


def _reload(ports: Ports, argv: Argv) -> None:
    _drain(ports)
    _hold(ports)
    with sites.held(ports):
        state = _state(ports)
        ports.files.remove(paths.CADDY_READ)  # a run that is killed here must not look as if nothing was read
        result = ports.runner.run(argv, timeout_s=_RELOAD_S)
    ports.runner.run(commands.FREE_CONNECTIONS)
    ports.files.remove(paths.DRAINING)
    if not result.ok:
        raise Failed(
            "switch",
            f"Caddy refused to reload: {error_line(result.text)}",
            "see `journalctl -u caddy` and codeb-agent doctor on the host, then run again",
        )
    ports.files.write(paths.CADDY_READ, state, 0o600)


def _drain(ports: Ports) -> None:
    """Wait until every connection is gone that may have been promised to stay open."""
    ports.files.write(paths.DRAINING, b"", 0o644)
    left = found = connections(ports)
    start = ports.clock.monotonic()
    while left and ports.clock.monotonic() - start < LONGEST_S:
        ports.clock.sleep(_PAUSE_S)
        left &= connections(ports)
    if found:
        waited = ports.clock.monotonic() - start
        ports.journal.log(
            f"caddy: {len(found)} connections asked to end within {waited:.1f} s, {len(left)} still open"
        )


def _hold(ports: Ports) -> None:
    """Let new connections wait, and those that were accepted send their first request. Raises Failed.

    A host whose bundle is older than its agent has no rules for that yet: it still has to be able to change a site.
    """
    if ports.files.read(paths.HOLD) is None:
        ports.journal.log(
            f"caddy: {paths.HOLD} comes with the next bundle: a connection that is new now may fail"
        )
        return
    _hold_for_a_while(ports)
    if _first_requests(ports):
        _hold_for_a_while(ports)


def _hold_for_a_while(ports: Ports) -> None:
    """From now on, for as long as the rules say. Raises Failed."""
    result = ports.runner.run(commands.HOLD_CONNECTIONS)
    if not result.ok:
        ports.files.remove(paths.DRAINING)
        raise Failed(
            "switch", f"nft refused {paths.HOLD}: {result.text}", "apply the server's bundle, then run again"
        )


def _first_requests(ports: Ports) -> bool:
    """Wait for the first requests of accepted connections, which end with the answer; whether that took longer."""
    start, open_still = ports.clock.monotonic(), connections(ports)
    ports.clock.sleep(_FIRST_REQUEST_S)
    longer = False
    while (
        left := open_still & connections(ports)
    ) < open_still and ports.clock.monotonic() - start < _BUSY_S:
        open_still, longer = left, True
        ports.clock.sleep(_BUSY_LOOK_S)
    return longer


def connections(ports: Ports, listeners: Collection[str] = _LISTENERS) -> frozenset[str]:
    """Users' (and edges') connections to Caddy, which has the host's network: the kernel's numbers of their sockets.

    `listeners` are ports as the kernel writes them."""
    rows = [line.split() for path in _SOCKETS for line in _lines(ports, path)[1:]]
    return frozenset(
        row[9]
        for row in rows
        if row[1].rpartition(":")[2] in listeners and row[3] == _ESTABLISHED and row[9] != _UNACCEPTED
    )


def _lines(ports: Ports, path: str) -> list[str]:
    return (ports.files.read(path) or b"").decode().splitlines()


def _state(ports: Ports) -> bytes:
    """Which Caddy process, and a hash of all that it is to read."""
    process = ports.runner.run(commands.invocation(paths.CADDY_SERVICE)).out.strip()
    files = [paths.CADDYFILE, *(f"{paths.SITES}/{name}" for name in ports.files.listing(paths.SITES))]
    digest = hashlib.sha256()
    for path in files:
        content = ports.files.read(path) or b""
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return json.dumps({"process": process, "files": digest.hexdigest()}).encode()


def error_line(text: str) -> str:
    """The line that says what is wrong, out of Caddy's JSON log."""
    lines = text.splitlines() or ["it said nothing"]
    return next((line for line in lines if line.startswith("Error:")), lines[-1])[:500]
