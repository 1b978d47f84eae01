"""What a store has of proofs: `proof/<project>/<backup>.json`, which says that a backup was restored, or could not be.

What tells of the data, as names of tables do, is not in it. Its `mac` is made with the stack's key, as that of backups.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.host.ports import Ports
from agent.store import backups


@dataclass(frozen=True)
class Verdict:
    """One proof. `at` is when it ended (ISO, UTC), `seconds` how long all of it took and `restore_seconds` pg_restore alone;
    `rows` and `tables` are what was counted, `image` the digest of what it was restored in. `phase` is where it ended, ""
    when all was as noted; the rest is 0 or "" otherwise.
    """

    project: str
    backup: str
    at: str
    seconds: float
    restore_seconds: float
    tables: int
    rows: int
    store: str
    image: str
    phase: str = ""


def key(project: str, backup_id: str) -> str:
    return f"proof/{project}/{backup_id}.json"


def document(ports: Ports, verdict: Verdict) -> bytes:
    """What the store gets. Raises Failed without the key."""
    plain = {
        "version": 1,
        "id": verdict.backup,
        "project": verdict.project,
        "ok": not verdict.phase,
        "phase": verdict.phase,
        "at": verdict.at,
        "seconds": verdict.seconds,
        "restore_seconds": verdict.restore_seconds,
        "tables": verdict.tables,
        "rows": verdict.rows,
        "store": verdict.store,
        "image": verdict.image,
    }
    return backups.signed(ports, plain)
