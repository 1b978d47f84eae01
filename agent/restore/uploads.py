"""One bucket as it was: only what differs is written, and nothing goes for good.

Of what is overwritten or marked as deleted the bucket keeps the version of before, as long as its project keeps backups;
which that was is noted before anything changes, so that all of it can be taken back.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.restore.bucket import Bucket, Wish, planned, wishes
from agent.restore.content import put
from agent.restore.goal import Brought, Goal, Work
from agent.restore.lists import lists
from agent.restore.remember import done, remembered
from agent.store.oldest import as_first_written
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings, Store
from agent.uploads.entries import namer

__all__ = ["Brought", "Goal", "Work", "brought", "prepared", "removed", "written"]

Told = dict[str, object]
TELL_S: Final = 5
STAYS: Final = "what is back stays; of what was overwritten the bucket has the version of before"
_AGAIN: Final = "run again: it goes on where it was"


def brought(
    ports: Ports, settings: Settings, stores: Sequence[Store], goal: Goal
) -> Generator[Told, None, Brought]:
    """Bring a bucket to how these stores know it; tells how it goes. Under the lock of backups, unless `dry_run`.

    Whatever ends it, run again it goes on. Raises Failed: nothing is known; stores can't be reached; objects are damaged
    wherever they are (all others are back then).
    """
    yield _told(goal)
    work = prepared(ports, settings, stores, goal)
    if not goal.dry_run:
        yield from written(work)
        removed(work)
    return work.brought()


def prepared(ports: Ports, settings: Settings, stores: Sequence[Store], goal: Goal) -> Work:
    """Find out what it takes; nothing changes. Raises Failed."""
    here = settings.store(HERE)
    if here is None:
        raise Failed("uploads", "the store on this host is not in its settings", "run `pulumi up`")
    place = replace(here.place, bucket=goal.target, lock_days=0)
    bucket = Bucket(as_first_written(ports, stores), place, namer(ports))
    with _said("nothing was changed"):
        found = lists(bucket.ports, stores, goal.project, goal.bucket, goal.at)
        versions = bucket.ports.s3.versions(place, goal.prefix)
        wanted, live = wishes(bucket.namer, found, versions, goal.at)
        wanted = {key: wish for key, wish in wanted.items() if key.startswith(goal.prefix)}
        plan = planned(bucket, wanted, live, lambda: _stay(ports, "nothing was changed"))
    return Work(bucket, here.place, settings, goal, found, plan)


def written(work: Work) -> Generator[Told, None, None]:
    """Note what is going to change; write what is missing, then what differs. Raises Failed."""
    ports, plan = work.bucket.ports, work.plan
    wanted = (*plan.missing, *plan.differ)
    with _said("nothing was changed"):
        remembered(work)
    told = ports.clock.monotonic()
    yield _told(work.goal, objects=0, of=len(wanted), size=plan.size)
    with _said():
        for wish in wanted:
            _stay(ports)
            if work.is_as_planned(wish.key, plan.there.get(wish.key)):
                _one(work, wish)
            if ports.clock.monotonic() - told >= TELL_S:
                told = ports.clock.monotonic()
                yield _told(work.goal, objects=work.written, of=len(wanted), done=work.size, size=plan.size)
    if work.damaged:
        raise _damaged(work, len(wanted))


def removed(work: Work) -> None:
    """Mark what was not there as deleted, where that is wanted. The end of it. Raises Failed."""
    ports = work.bucket.ports
    with _said():
        for found in work.extra:
            _stay(ports)
            if work.is_as_planned(found.key, found):
                ports.s3.delete(work.bucket.place, found.key)
                work.removed += 1
        done(work)


@contextmanager
def _said(put_back: str = STAYS) -> Iterator[None]:
    """What stores and programs say becomes Failed."""
    try:
        yield
    except StoreError as error:
        remedy = f"see that the store runs; {_AGAIN}"
        if error.code == "NoSuchBucket":
            remedy = "`pulumi up` makes the buckets of a manifest; `--only database` leaves uploads out"
        if error.kind == "full":
            remedy = f"make room, or raise the bucket's `quota`, which older versions count towards; {_AGAIN}"
        raise Failed("uploads", str(error), remedy, put_back=put_back) from None
    except Damaged as error:
        raise Failed("uploads", str(error), "run again", put_back=put_back) from None
    except PipeBroken as error:
        interrupted = error.first.code == 130
        raise Failed("uploads", str(error), _AGAIN, put_back=put_back, interrupted=interrupted) from None


def _stay(ports: Ports, put_back: str = STAYS) -> None:
    """Raises Failed when nobody waits any more."""
    if why := ports.asker.gone():
        raise Failed("uploads", f"interrupted: {why}", _AGAIN, put_back=put_back, interrupted=True)


def _one(work: Work, wish: Wish) -> None:
    problems = put(work.bucket, work.found, wish)
    if problems.all_of_them:
        work.damaged[wish.key] = "; ".join(problems.found)
        return
    work.written += 1
    work.size += wish.size
    work.warnings += problems.found


def _damaged(work: Work, wanted: int) -> Failed:
    count = len(work.damaged)
    log = (
        *(f"{key!r}: {why}" for key, why in list(work.damaged.items())[:20]),
        *(f"not asked: {problem}" for problem in work.found.problems),
    )
    cause = f"{count} of {wanted} objects are damaged wherever they are; the others are back"
    return Failed("uploads", cause, "an earlier backup may have them", log=log, put_back=STAYS)


def _told(goal: Goal, **more: object) -> Told:
    return {"project": goal.whose, "bucket": goal.target, "phase": "uploads", **more}
