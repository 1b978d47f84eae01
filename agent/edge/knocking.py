"""Asking an edge for each of its sites as visitors do, and telling what is the edge's fault from what is the app's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from agent.edge import names
from agent.host import paths
from agent.host.ports import NoReply, Ports, Reply, Tls

_TLS_PORT: Final = "127.0.0.1:443"
_PLAIN_PORT: Final = "127.0.0.1:80"
_HERE: Final = "127.0.0.1"
_TIMEOUT_MS: Final = 5000
_DOOR_MS: Final = 2000
_NOT_SERVED: Final = frozenset({502, 503, 504})
_MEANT: Final = "retry-after"
"""What an answer has that is meant so: a maintenance page, an app that asks for patience."""


@dataclass(frozen=True)
class Doubt:
    """Why a site (`path`) is not answered well here. `mine`: this edge's fault, others may do well."""

    path: str
    text: str
    mine: bool


def doubts(ports: Ports, sites: Mapping[str, str]) -> Iterator[Doubt]:
    """What is wrong with sites (path → text), each asked for once by one of its names."""
    for path, text in sites.items():
        name = next((each for each in names.public(text) if not names.is_wildcard(each)), None)
        if name is not None and (doubt := _doubt(ports, path, text, name)):
            yield doubt


def _doubt(ports: Ports, path: str, text: str, name: str) -> Doubt | None:
    try:
        reply = _asked(ports, text, name)
    except NoReply as error:
        if error.no_certificate:
            return Doubt(path, f"{name} has no certificate yet: does its DNS record point here?", mine=False)
        if not _taken(ports, text, name):
            return Doubt(path, f"{name} {error}", mine=True)
        said = f"gives no answer within {_TIMEOUT_MS // 1000} s"
    else:
        if reply.status not in _NOT_SERVED or _MEANT in reply.headers:
            return None
        said = f"answers {reply.status}"
    doors = names.doors(text)
    if doors and not any(ports.http.accepts(door, _DOOR_MS) for door in doors):
        return Doubt(
            path, f"{name} runs behind {', '.join(doors)}, which can't be reached from here", mine=True
        )
    return Doubt(path, f"{name} {said}: see its app", mine=False)


def _asked(ports: Ports, text: str, name: str) -> Reply:
    """The answer to a visitor of this edge. Raises NoReply."""
    if not names.without_tls(text):
        tls = Tls(name, paths.CA_FILE)
        return ports.http.get(_TLS_PORT, "/", host=name, timeout_ms=_TIMEOUT_MS, tls=tls)
    headers = {"X-Forwarded-For": _HERE, "X-Forwarded-Proto": "https", "X-Forwarded-Host": name}
    return ports.http.get(_PLAIN_PORT, "/", host=name, timeout_ms=_TIMEOUT_MS, headers=headers)


def _taken(ports: Ports, text: str, name: str) -> bool:
    """Whether a visitor gets as far as sending a request."""
    if names.without_tls(text):
        return ports.http.accepts(_PLAIN_PORT, _TIMEOUT_MS)
    try:
        ports.http.certificate(_TLS_PORT, Tls(name, paths.CA_FILE), _TIMEOUT_MS)
    except NoReply:
        return False
    return True
