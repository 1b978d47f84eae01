"""What a restore of a bucket is going to change, noted first; what an earlier one has begun and not ended is part of it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from agent.backup.aside import KEPT
from agent.documents.errors import Failed
from agent.restore.bucket import Wish
from agent.restore.goal import Work
from agent.store.backups import new_id
from agent.store.settings import Settings
from agent.uploads import undo
from agent.uploads.undo import DELETED, Came, Change, Note

_AT: Final = "%Y-%m-%dT%H:%M:%SZ"


def remembered(work: Work) -> None:
    """Note it. Raises Failed where something would go for good; StoreError, PipeBroken, Damaged."""
    goal, plan, ports = work.goal, work.plan, work.bucket.ports
    writes = (*plan.missing, *plan.differ)
    changes = _unfinished(work)
    if not writes and not work.extra and not changes:
        return
    touched = len(plan.differ) + len(work.extra)
    if touched and not ports.s3.features(work.bucket.place).versions:
        if not goal.replace:
            cause = f"{goal.target} keeps no versions: {touched} objects that are there would go for good"
            remedy = "switch `backup.enabled` on for its project and `pulumi up`, or say `--replace`"
            raise Failed("uploads", cause, remedy)
        work.warnings.append(f"{goal.target} keeps no versions: this can't be taken back")
        return
    came = [*((wish.key, _came(wish)) for wish in writes), *((each.key, DELETED) for each in work.extra)]
    for key, each in came:
        there = plan.there.get(key)
        known = changes.get(key, Change(key, there.version if there else "", ()))
        changes[key] = Change(key, known.before, (*known.came, each))
    now = ports.clock.now()
    work.kept_until = _until(now, work.settings, goal.target)
    note = Note(
        new_id(now, secrets.token_hex(2)), goal.whose, goal.target, goal.what, goal.by,
        goal.since or now.strftime(_AT), work.kept_until, goal.both,
    )  # fmt: skip
    undo.noted(ports, work.here, note, changes.values(), work.settings.recipient)


def done(work: Work) -> None:
    """Note that it came to its end. Raises StoreError."""
    for note in undo.notes(work.bucket.ports, work.here, work.goal.whose):
        if note.bucket == work.goal.target and note.state == undo.BEGUN:
            undo.became(work.bucket.ports, work.here, note, undo.DONE)


def _came(wish: Wish) -> Came:
    return Came(wish.size, wish.etag, wish.sha256, wish.version.version if wish.version else "")


def _unfinished(work: Work) -> dict[str, Change]:
    """What a run has begun that did not come to its end, in this bucket or in another one of the same restore."""
    ports, found = work.bucket.ports, undo.notes(work.bucket.ports, work.here, work.goal.whose)
    begun = {each.at for each in found if each.state == undo.BEGUN}
    return {
        change.key: change
        for note in found
        if note.bucket == work.goal.target and note.state != undo.UNDONE and note.at in begun
        for change in undo.changes(ports, work.here, note)
    }


def _until(now: datetime, settings: Settings, bucket: str) -> str:
    """As long as the bucket keeps versions, or what a restore puts aside is kept, whichever ends first."""
    days = [each.retention_days for each in settings.projects if bucket in each.buckets]
    return (now + min([KEPT, *(timedelta(days=each) for each in days)])).strftime(_AT)
