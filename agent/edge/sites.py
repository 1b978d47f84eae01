"""The files of all sites together: read and changed as one, so that no reload of Caddy sees half of a change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from agent.host import paths
from agent.host.ports import Ports

_WAIT_S: Final = 60


@contextmanager
def held(ports: Ports) -> Iterator[None]:
    """Nobody else changes sites or makes Caddy read them; a change that a killed run left half is finished first.

    Raises Busy.
    """
    with ports.files.lock(paths.SITES_LOCK, _WAIT_S):
        left = ports.files.read(paths.SITES_CHANGE)
        if left is not None:
            _apply(ports, json.loads(left))
            ports.files.remove(paths.SITES_CHANGE)
        yield


def texts(ports: Ports) -> dict[str, str]:
    """Every site's text by path."""
    found = {f"{paths.SITES}/{name}" for name in ports.files.listing(paths.SITES)}
    return {path: (ports.files.read(path) or b"").decode() for path in sorted(found)}


def put(ports: Ports, wanted: Mapping[str, str | None]) -> None:
    """Write (or with None remove) these sites, all or none; to be called while they are `held`."""
    if len(wanted) > 1:
        ports.files.write(paths.SITES_CHANGE, json.dumps(dict(wanted)).encode(), 0o600)
    _apply(ports, wanted)
    if len(wanted) > 1:
        ports.files.remove(paths.SITES_CHANGE)


def _apply(ports: Ports, wanted: Mapping[str, str | None]) -> None:
    for path, text in wanted.items():
        if text is None:
            ports.files.remove(path)
        elif ports.files.read(path) != text.encode():
            ports.files.write(path, text.encode(), 0o600)
