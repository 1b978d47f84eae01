"""The files of all sites together: read and changed as one, so that no reload of Caddy sees half of a change.

The Caddyfile imports a list that imports each of them (docs/edge.md#the-list-of-sites). What the list names is there at each
moment, a power cut's included: Caddy starts with no list that names a file which isn't.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from agent.host import paths
from agent.host.ports import Ports

_WAIT_S: Final = 60
_SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.caddy")
_IMPORT: Final = re.compile(rb"^import (?:\S*/)?sites(?:\.list|/\*\.caddy)$", re.MULTILINE)
"""In a Caddyfile; those that older programs rendered have the pattern."""


@contextmanager
def held(ports: Ports) -> Iterator[None]:
    """Nobody else changes sites or makes Caddy read them; a change that a killed run left half is finished first, and so is
    the list.

    Raises Busy.
    """
    with ports.files.lock(paths.SITES_LOCK, _WAIT_S):
        left = ports.files.read(paths.SITES_CHANGE)
        if left is not None:
            _apply(ports, json.loads(left))
            ports.files.remove(paths.SITES_CHANGE)
        else:
            _list(ports)
        yield


def refresh(ports: Ports) -> None:
    """Have a list of the sites that there are, for a Caddyfile that is about to come. Raises Busy."""
    with ports.files.lock(paths.SITES_LOCK, _WAIT_S):
        _write_list(ports)


def imports(sites: Iterable[str]) -> bytes:
    """The list of these files (paths, or relative to it), in the order in which a pattern would find them."""
    found = [path for path in sites if _SITE.fullmatch(path.rpartition("/")[2])]
    lines = [f"import {path}\n" for path in sorted(found, key=lambda path: path.rpartition("/")[2])]
    return "".join(["# codeb-agent writes this: every site, one by one.\n", *lines]).encode()


def importing(caddyfile: bytes, path: str) -> bytes:
    """A Caddyfile that imports the list at this path instead of the host's own."""
    return _IMPORT.sub(f"import {path}".encode(), caddyfile)


def unlisted(ports: Ports) -> bool:
    """Whether the Caddyfile imports a list that is another than it should be."""
    caddyfile = ports.files.read(paths.CADDYFILE) or b""
    listed = any(b"sites.list" in line for line in _IMPORT.findall(caddyfile))
    return listed and ports.files.read(paths.SITES_LIST) != _wanted_list(ports)


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
    """The list is written once what comes is there, and before what goes is gone."""
    for path, text in wanted.items():
        if text is not None and ports.files.read(path) != text.encode():
            ports.files.write(path, text.encode(), 0o600)
    gone = [path for path, text in wanted.items() if text is None]
    _list(ports, gone)
    for path in gone:
        ports.files.remove(path)


def _list(ports: Ports, but: Collection[str] = ()) -> None:
    if ports.files.read(paths.CADDYFILE) is not None:
        _write_list(ports, but)


def _write_list(ports: Ports, but: Collection[str] = ()) -> None:
    wanted = _wanted_list(ports, but)
    if ports.files.read(paths.SITES_LIST) != wanted:
        ports.files.write(paths.SITES_LIST, wanted, 0o644)


def _wanted_list(ports: Ports, but: Collection[str] = ()) -> bytes:
    names = ports.files.listing(paths.SITES)
    return imports(f"sites/{name}" for name in names if f"{paths.SITES}/{name}" not in but)
