"""One bucket as it was: only what differs is written, and nothing goes for good.

Of what is overwritten or marked as deleted the bucket keeps the version of before, as long as its project keeps backups;
which that was is noted before anything changes, so that all of it can be taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from agent.backup.aside import KEPT
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Object, Place, StoreError
from agent.restore.bucket import Bucket, Plan, Wish, planned, wishes
from agent.restore.content import put
from agent.restore.lists import Lists, lists
from agent.store.backups import new_id
from agent.store.oldest import as_first_written
from agent.store.settings import HERE, Settings, Store
from agent.uploads import undo
from agent.uploads.entries import namer
from agent.uploads.undo import DELETED, Came, Change, Note

Told = dict[str, object]
TELL_S: Final = 5
STAYS: Final = "what is back stays; of what was overwritten the bucket has the version of before"
_AGAIN: Final = "run again: it goes on where it was"
_AT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Goal:
    """`project`'s `bucket` as its newest run has it, or as it was `at` a moment; `into` another bucket, of `owner`.

    Only keys that begin with `prefix`. `exact`: what was not there is marked as deleted. `replace`: also in a bucket without
    versions, where what is overwritten is gone. `dry_run`: only look. For who takes it back: `what` in words, `by` whom,
    `since` when (ISO; all buckets of one restore have the same), whether `both` uploads and database are restored.
    """

    project: str
    bucket: str
    at: datetime | None = None
    into: str = ""
    owner: str = ""
    prefix: str = ""
    exact: bool = False
    replace: bool = False
    dry_run: bool = False
    what: str = ""
    by: str = ""
    since: str = ""
    both: bool = False

    @property
    def target(self) -> str:
        return self.into or self.bucket


@dataclass(frozen=True)
class Brought:
    """How a bucket was found: objects that were missing, others, too many, the same; bytes to write. What was done: objects
    written, marked as deleted, and left alone as an app has `changed` them meanwhile. `run` is the list that was taken, of
    `at`; `kept_until`: until when it can be taken back, "" for never. `warnings`: stores that had something damaged."""

    project: str
    bucket: str
    run: str
    at: str
    missing: int
    differ: int
    extra: int
    same: int
    size: int
    written: int = 0
    removed: int = 0
    changed: int = 0
    kept_until: str = ""
    warnings: tuple[str, ...] = ()


@dataclass
class _Work:
    """One bucket on its way; `damaged` has, by key, what is wrong with an object wherever it is."""

    bucket: Bucket
    here: Place
    recipient: str
    goal: Goal
    found: Lists
    written: int = 0
    size: int = 0
    removed: int = 0
    changed: int = 0
    kept_until: str = ""
    damaged: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return self.bucket.ports

    def stay(self) -> None:
        """Raises Failed when nobody waits any more."""
        if why := self.ports.asker.gone():
            raise Failed("uploads", f"interrupted: {why}", _AGAIN, put_back=STAYS, interrupted=True)

    def is_as_planned(self, key: str, there: Object | None) -> bool:
        """Whether nobody has changed an object since it was looked at; counts those that somebody has."""
        found = self.ports.s3.head(self.bucket.place, key)
        same = _version(found) == _version(there)
        self.changed += not same
        return same

    def brought(self, plan: Plan) -> Brought:
        goal, run = self.goal, self.found.run
        return Brought(
            goal.owner or goal.project, goal.target, run.id, run.at,
            len(plan.missing), len(plan.differ), len(plan.extra), plan.same, plan.size,
            self.written, self.removed, self.changed, self.kept_until, tuple(self.warnings),
        )  # fmt: skip


def brought(
    ports: Ports, settings: Settings, stores: Sequence[Store], goal: Goal
) -> Generator[Told, None, Brought]:
    """Bring a bucket to how these stores know it; tells how it goes. Under the lock of backups, unless `dry_run`.

    Whatever ends it, run again it goes on. Raises Failed: nothing is known; stores can't be reached; objects are damaged
    wherever they are (all others are back then).
    """
    here = settings.store(HERE)
    if here is None:
        raise Failed("uploads", "the store on this host is not in its settings", "run `pulumi up`")
    bucket = Bucket(
        as_first_written(ports, stores), replace(here.place, bucket=goal.target, lock_days=0), namer(ports)
    )
    try:
        yield _told(goal, "uploads")
        found = lists(bucket.ports, stores, goal.project, goal.bucket, goal.at)
        work = _Work(bucket, here.place, settings.recipient, goal, found)
        plan = _planned(work)
        if goal.dry_run:
            return work.brought(plan)
        _note(work, settings, plan)
        return (yield from _written(work, plan))
    except StoreError as error:
        raise Failed("uploads", str(error), f"see that the store runs; {_AGAIN}", put_back=STAYS) from None
    except PipeBroken as error:
        interrupted = error.first.code == 130
        raise Failed("uploads", str(error), _AGAIN, put_back=STAYS, interrupted=interrupted) from None


def _planned(work: _Work) -> Plan:
    goal, bucket = work.goal, work.bucket
    versions = bucket.ports.s3.versions(bucket.place, goal.prefix)
    wanted, live = wishes(bucket.namer, work.found, versions, goal.at)
    wanted = {key: wish for key, wish in wanted.items() if key.startswith(goal.prefix)}
    return planned(bucket, wanted, live, work.stay)


def _note(work: _Work, settings: Settings, plan: Plan) -> None:
    """Note what is going to change, beside what an unfinished run has changed already. Raises Failed where something would
    go for good."""
    ports, goal = work.ports, work.goal
    writes, extra = (*plan.missing, *plan.differ), plan.extra if goal.exact else ()
    if not writes and not extra:
        return
    touched = len(plan.differ) + len(extra)
    if touched and not ports.s3.features(work.bucket.place).versions:
        if not goal.replace:
            cause = f"{goal.target} keeps no versions: {touched} objects that are there would go for good"
            remedy = "switch `backup.enabled` on for its project and `pulumi up`, or say `--replace`"
            raise Failed("uploads", cause, remedy)
        work.warnings.append(f"{goal.target} keeps no versions: this can't be taken back")
        return
    before = _unfinished(work)
    for key, came in (
        *((each.key, _came(each)) for each in writes),
        *((each.key, DELETED) for each in extra),
    ):
        there = plan.there.get(key)
        known = before.get(key, Change(key, there.version if there else "", ()))
        before[key] = Change(key, known.before, (*known.came, came))
    work.kept_until = _until(ports.clock.now(), settings, goal.target)
    now = ports.clock.now()
    note = Note(
        new_id(now, secrets.token_hex(2)), goal.owner or goal.project, goal.target, goal.what, goal.by,
        goal.since or now.strftime(_AT), work.kept_until, goal.both,
    )  # fmt: skip
    undo.noted(ports, work.here, note, before.values(), work.recipient)


def _came(wish: Wish) -> Came:
    return Came(wish.size, wish.etag, wish.sha256, wish.version.version if wish.version else "")


def _unfinished(work: _Work) -> dict[str, Change]:
    """What a run has begun that did not come to its end."""
    note = _last(work)
    if note is None or note.state != undo.BEGUN:
        return {}
    return {change.key: change for change in undo.changes(work.ports, work.here, note)}


def _last(work: _Work) -> Note | None:
    found = undo.notes(work.ports, work.here, work.goal.owner or work.goal.project)
    return next((each for each in found if each.bucket == work.goal.target), None)


def _until(now: datetime, settings: Settings, bucket: str) -> str:
    """As long as the bucket keeps versions, or what a restore puts aside is kept, whichever ends first."""
    days = [each.retention_days for each in settings.projects if bucket in each.buckets]
    return (now + min([KEPT, *(timedelta(days=each) for each in days)])).strftime(_AT)


def _written(work: _Work, plan: Plan) -> Generator[Told, None, Brought]:
    """What is missing first: nobody is without it for longer than it takes."""
    ports, goal = work.ports, work.goal
    wanted = (*plan.missing, *plan.differ)
    told = ports.clock.monotonic()
    yield _told(goal, "uploads", objects=0, of=len(wanted), size=plan.size)
    for wish in wanted:
        work.stay()
        if work.is_as_planned(wish.key, plan.there.get(wish.key)):
            _one(work, wish)
        if ports.clock.monotonic() - told >= TELL_S:
            told = ports.clock.monotonic()
            yield _told(goal, "uploads", objects=work.written, of=len(wanted), done=work.size, size=plan.size)
    if work.damaged:
        raise _damaged(work, len(wanted))
    for found in plan.extra if goal.exact else ():
        work.stay()
        if work.is_as_planned(found.key, found):
            ports.s3.delete(work.bucket.place, found.key)
            work.removed += 1
    if (note := _last(work)) is not None and note.state == undo.BEGUN:
        undo.became(ports, work.here, note, undo.DONE)
    return work.brought(plan)


def _version(found: Object | None) -> tuple[str, str] | None:
    """Of an object that came before its bucket had versions some answers say `null`, others nothing."""
    return None if found is None else (found.version.replace("null", ""), found.etag)


def _one(work: _Work, wish: Wish) -> None:
    problems = put(work.bucket, work.found, wish)
    if problems.all_of_them:
        work.damaged[wish.key] = "; ".join(problems.found)
        return
    work.written += 1
    work.size += wish.size
    work.warnings += problems.found


def _damaged(work: _Work, wanted: int) -> Failed:
    count = len(work.damaged)
    log = (
        *(f"{key!r}: {why}" for key, why in list(work.damaged.items())[:20]),
        *(f"not asked: {problem}" for problem in work.found.problems),
    )
    cause = f"{count} of {wanted} objects are damaged wherever they are; the others are back"
    return Failed("uploads", cause, "an earlier backup may have them", log=log, put_back=STAYS)


def _told(goal: Goal, phase: str, **more: object) -> Told:
    return {"project": goal.owner or goal.project, "bucket": goal.target, "phase": phase, **more}
