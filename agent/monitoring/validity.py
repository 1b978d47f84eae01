"""Until when the certificates hold by which this host's sites are served: what visitors are shown, not what is on a disk.

A handshake costs both sides, and a certificate's end changes with its renewal only: so each name is looked at once an hour,
and of many names only some at a time.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from agent.host import paths
from agent.host.ports import NoReply, Ports, Tls
from agent.monitoring.memory import Certificate, Memory

AGAIN_S: Final = 3600
MISSING_S: Final = 300
"""A name that has no certificate yet is looked at again so soon."""
AT_ONCE: Final = 40
"""Names that are looked at in one run: 2400 an hour."""
_SIDE_BY_SIDE: Final = 8
_LISTENER: Final = "127.0.0.1:443"
_TIMEOUT_MS: Final = 2000
_DAY_S: Final = 86_400
_NONE: Final = Certificate(0, 0, 0)


def look(ports: Ports, hosts: Collection[str], memory: Memory) -> Memory:
    """What is known by now of these names; others are forgotten.

    Of a name without an answer what was known stays: a Caddy that is down, or a certificate that has ended, is no reason to
    forget when it ends.
    """
    now = ports.clock.now().timestamp()
    known = {host: memory.certificates.get(host, _NONE) for host in hosts}
    due = [
        host for host, found in known.items() if now - found.seen >= (AGAIN_S if found.ends else MISSING_S)
    ]
    due = sorted(due, key=lambda host: (known[host].seen, host))[:AT_ONCE]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as workers:
        seen = workers.map(lambda host: _seen(ports, host, known[host], now), due)
        known |= dict(zip(due, seen, strict=True))
    return replace(memory, certificates={host: found for host, found in known.items() if found.seen})


def _seen(ports: Ports, host: str, before: Certificate, now: float) -> Certificate:
    try:
        found = ports.http.certificate(_LISTENER, Tls(host, paths.CA_FILE), _TIMEOUT_MS)
    except NoReply as error:
        return replace(_NONE if error.no_certificate else before, seen=now)
    return Certificate(round(now + found.left * _DAY_S), round(found.whole * _DAY_S), now)
