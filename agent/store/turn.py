"""Whose turn it is: backups, proofs and restores of a host run one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Busy, Ports


@contextmanager
def turn(ports: Ports, verb: str, by: str, wait_s: float = 0) -> Iterator[None]:
    """Hold the lock of all that reads or writes backups. Raises Failed, which says who holds it and since when."""
    try:
        lock = ports.files.lock(paths.BACKUP_LOCK, wait_s)
        with lock:
            holder = {"verb": verb, "by": by, "since": f"{ports.clock.now():%Y-%m-%dT%H:%M:%SZ}"}
            ports.files.write(paths.BACKUP_HOLDER, json.dumps(holder).encode(), 0o600)
            try:
                yield
            finally:
                ports.files.remove(paths.BACKUP_HOLDER)
    except Busy:
        raise Failed(
            "lock", held(ports) or "another run has just held it", "wait for it to end, then run again"
        ) from None


def held(ports: Ports) -> str:
    """Who is at it and since when, in words; "" when nobody is."""
    since = ports.files.held_since(paths.BACKUP_LOCK)
    if since is None:
        return ""
    try:
        found = json.loads(ports.files.read(paths.BACKUP_HOLDER) or b"")
        return f"{found['verb']} by {found['by']} has been running since {found['since']}"
    except (ValueError, KeyError, TypeError):
        at = datetime.fromtimestamp(since, UTC)
        return f"another run has been at it since {at:%Y-%m-%dT%H:%M:%SZ}"
