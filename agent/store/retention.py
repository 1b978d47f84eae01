"""Which backups may go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from agent.store.backups import Backup


def may_go(backups: Sequence[Backup], days: int, proven: Collection[str] = ()) -> list[Backup]:
    """Those made more than `days` before the newest one, the oldest first.

    The time runs from the newest backup, not from now: when none is made any more, none goes. The newest always stays, and
    so does the newest of those that were `proven` (ids).
    """
    ordered = sorted(backups, key=lambda backup: (backup.moment, backup.id))
    if not ordered:
        return []
    newest = ordered[-1]
    kept = {newest.id, *[backup.id for backup in ordered if backup.id in proven][-1:]}
    begin = newest.moment - timedelta(days=days)
    return [backup for backup in ordered if backup.moment < begin and backup.id not in kept]
