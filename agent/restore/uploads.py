"""One bucket as a run of its mirror has it: only what differs is written, and nothing goes for good.

Of what is overwritten or marked as deleted the bucket keeps the version of before, as long as its project keeps backups.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.restore.bucket import Plan, planned
from agent.store.oldest import as_first_written
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings, Store
from agent.uploads import back, runs
from agent.uploads.entries import Entry, namer
from agent.uploads.runs import Run

Told = dict[str, object]
TELL_S: Final = 5
_AGAIN: Final = "run again: it goes on where it was"


@dataclass(frozen=True)
class Goal:
    """`project`'s `bucket` as its newest run has it, or the newest that is not after `at`; `into` a bucket of another name.

    Only keys that begin with `prefix`. `exact`: what was not there is marked as deleted. `replace`: also in a bucket without
    versions, where what is overwritten is gone. `dry_run`: only look.
    """

    project: str
    bucket: str
    at: datetime | None = None
    into: str = ""
    prefix: str = ""
    exact: bool = False
    replace: bool = False
    dry_run: bool = False

    @property
    def target(self) -> str:
        return self.into or self.bucket


@dataclass(frozen=True)
class Choice:
    """A run, its objects, and the stores that have it, the nearest first; `problems` with those that can't be read."""

    run: Run
    stores: tuple[Store, ...]
    problems: tuple[str, ...]
    entries: tuple[Entry, ...] = field(repr=False)


@dataclass(frozen=True)
class Brought:
    """How a bucket was found and what was done: objects that were missing, others, or too many (`removed` of them are marked
    as deleted now), the same; bytes and objects written. `warnings`: stores that had something damaged."""

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
    warnings: tuple[str, ...] = ()


def brought(
    ports: Ports, settings: Settings, stores: Sequence[Store], goal: Goal
) -> Generator[Told, None, Brought]:
    """Bring a bucket to a run that one of these stores has; tells how it goes. Under the lock of backups, unless `dry_run`.

    Whatever ends it, run again it goes on. Raises Failed: there is no run; stores can't be reached; objects that are damaged
    in all stores (all others are back then).
    """
    here = settings.store(HERE)
    if here is None:
        raise Failed("uploads", "the store on this host is not in its settings", "run `pulumi up`")
    target = replace(here.place, bucket=goal.target, lock_days=0)
    try:
        yield _told(goal, "uploads")
        found = chosen(ports, stores, goal)
        work = _Work(ports, goal, target, found)
        plan = planned(ports, target, goal.prefix, found.entries, namer(ports), work.stay)
        if goal.dry_run:
            return work.brought(plan)
        _keeps_versions(ports, target, goal, plan)
        return (yield from _written(work, plan))
    except StoreError as error:
        raise Failed("uploads", str(error), f"see that the store runs; {_AGAIN}") from None
    except PipeBroken as error:
        raise Failed("uploads", str(error), _AGAIN, interrupted=error.first.code == 130) from None


def reading(ports: Ports, store: Store) -> Ports:
    """By which a store is read: elsewhere what was written first counts."""
    return ports if store.name == HERE else as_first_written(ports)


def chosen(ports: Ports, stores: Sequence[Store], goal: Goal) -> Choice:
    """The run that is wanted, from the nearest store whose list is whole. Raises Failed, PipeBroken."""
    found: dict[str, list[tuple[Store, Run]]] = {}
    problems = []
    for store in stores:
        try:
            listing = runs.listed(reading(ports, store), store.place, goal.project, goal.bucket)
        except StoreError as error:
            problems.append(f"{store.name}: {error}")
            continue
        problems += [f"{store.name}: the list {run_id} {why}" for run_id, why in listing.wrong.items()]
        for run in listing.runs:
            if goal.at is None or run.moment <= goal.at:
                found.setdefault(run.id, []).append((store, run))
    if found:
        having = found[max(found)]
        for store, run in having:
            try:
                entries = runs.entries(reading(ports, store), store.place, run, ports.asker.gone)
            except (StoreError, Damaged) as error:
                problems.append(f"{store.name}: {error}")
                continue
            having = [(each, other) for each, other in having if other == run]
            return Choice(run, tuple(each for each, _ in having), tuple(problems), entries)
    when = f" of {goal.at:%Y-%m-%d %H:%M:%S} UTC or before" if goal.at else ""
    cause = "; ".join([f"no list of what was in {goal.bucket}{when} can be read", *problems])
    raise Failed("uploads", cause, "`codeb restore list` says what there is")


@dataclass
class _Work:
    """One bucket on its way; `damaged` has, by key, what is wrong with an object in all stores."""

    ports: Ports
    goal: Goal
    target: Place
    found: Choice
    written: int = 0
    size: int = 0
    removed: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def stay(self) -> None:
        """Raises Failed when nobody waits any more."""
        if why := self.ports.asker.gone():
            raise Failed("uploads", f"interrupted: {why}", _AGAIN, put_back=_STAYS, interrupted=True)

    def brought(self, plan: Plan) -> Brought:
        run = self.found.run
        return Brought(
            self.goal.project, self.goal.target, run.id, run.at,
            len(plan.missing), len(plan.differ), len(plan.extra), plan.same, plan.size,
            self.written, self.removed, tuple(self.warnings),
        )  # fmt: skip


_STAYS: Final = "what is back stays; of what was overwritten the bucket has the version of before"


def _keeps_versions(ports: Ports, target: Place, goal: Goal, plan: Plan) -> None:
    """Raises Failed where something would go for good."""
    touched = len(plan.differ) + (len(plan.extra) if goal.exact else 0)
    if not touched or goal.replace or ports.s3.features(target).versions:
        return
    cause = f"{goal.target} keeps no versions: {touched} objects that are there now would go for good"
    raise Failed(
        "uploads", cause, "switch `backup.enabled` on for its project and `pulumi up`, or say `--replace`"
    )


def _written(work: _Work, plan: Plan) -> Generator[Told, None, Brought]:
    """What is missing first: nobody is without it for longer than it takes."""
    ports, goal = work.ports, work.goal
    wanted = (*plan.missing, *plan.differ)
    told = ports.clock.monotonic()
    yield _told(goal, "uploads", objects=0, of=len(wanted), size=plan.size)
    for entry in wanted:
        work.stay()
        _one(work, entry)
        if ports.clock.monotonic() - told >= TELL_S:
            told = ports.clock.monotonic()
            yield _told(goal, "uploads", objects=work.written, of=len(wanted), done=work.size, size=plan.size)
    if work.damaged:
        raise _damaged(work, len(wanted))
    for found in plan.extra if goal.exact else ():
        work.stay()
        ports.s3.delete(work.target, found.key)
        work.removed += 1
    return work.brought(plan)


def _one(work: _Work, entry: Entry) -> None:
    """An object, from the first store that has it undamaged. Raises StoreError of the bucket, PipeBroken."""
    problems, run = [], work.found.run
    for store in work.found.stores:
        pieces = back.content(reading(work.ports, store), store.place, run, entry, work.ports.asker.gone)
        try:
            back.put(work.ports, entry, _apart(pieces), work.target)
        except (Damaged, _Unreadable) as error:
            problems.append(f"{store.name}: {error}")
            continue
        work.written += 1
        work.size += entry.size
        work.warnings += problems
        return
    work.damaged[entry.key] = "; ".join(problems)


class _Unreadable(Exception):
    """What the store said from which an object was to come, told from what its bucket says."""


def _apart(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    try:
        yield from pieces
    except StoreError as error:
        raise _Unreadable(str(error)) from None
    finally:
        pieces.close()


def _damaged(work: _Work, wanted: int) -> Failed:
    count = len(work.damaged)
    log = (
        *(f"{key!r}: {why}" for key, why in list(work.damaged.items())[:20]),
        *(f"not asked: {problem}" for problem in work.found.problems),
    )
    cause = f"{count} of {wanted} objects are damaged in every store; the others are back"
    return Failed("uploads", cause, "an earlier backup may have them", log=log, put_back=_STAYS)


def _told(goal: Goal, phase: str, **more: object) -> Told:
    return {"project": goal.project, "bucket": goal.target, "phase": phase, **more}
