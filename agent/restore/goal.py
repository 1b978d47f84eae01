"""What all steps have in common that bring one bucket to how it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent.host.s3 import Object, Place
from agent.restore.bucket import Bucket, Plan
from agent.restore.lists import Lists
from agent.store.settings import Settings


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
        """The bucket that becomes what it says."""
        return self.into or self.bucket

    @property
    def whose(self) -> str:
        """The project that has that bucket."""
        return self.owner or self.project


@dataclass(frozen=True)
class Brought:
    """How a bucket was found: objects that were missing, others, too many (which go if `exact`), the same; bytes to write.

    What was done: objects written, marked as deleted, and left alone as an app has `changed` them meanwhile. `run` is the
    list that was taken, of `at`; `kept_until`: until when it can be taken back, "" for never. `warnings`: stores that had
    something damaged.
    """

    project: str
    bucket: str
    run: str
    at: str
    missing: int
    differ: int
    extra: int
    same: int
    size: int
    exact: bool = False
    written: int = 0
    removed: int = 0
    changed: int = 0
    kept_until: str = ""
    warnings: tuple[str, ...] = ()


@dataclass
class Work:
    """One bucket on its way, by what it takes; `here` is where it is noted. `damaged` has, by key, what is wrong with an
    object wherever it is."""

    bucket: Bucket
    here: Place
    settings: Settings
    goal: Goal
    found: Lists
    plan: Plan
    written: int = 0
    size: int = 0
    removed: int = 0
    changed: int = 0
    kept_until: str = ""
    damaged: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def extra(self) -> tuple[Object, ...]:
        """What is to be marked as deleted."""
        return self.plan.extra if self.goal.exact else ()

    def is_as_planned(self, key: str, there: Object | None) -> bool:
        """Whether nobody has changed an object since it was looked at; counts those that somebody has."""
        same = _version(self.bucket.ports.s3.head(self.bucket.place, key)) == _version(there)
        self.changed += not same
        return same

    def brought(self) -> Brought:
        goal, run, plan = self.goal, self.found.run, self.plan
        return Brought(
            goal.whose, goal.target, run.id, run.at,
            len(plan.missing), len(plan.differ), len(plan.extra), plan.same, plan.size, goal.exact,
            self.written, self.removed, self.changed, self.kept_until, tuple(self.warnings),
        )  # fmt: skip


def _version(found: Object | None) -> tuple[str, str] | None:
    """Of an object that came before its bucket had versions some answers say `null`, others nothing."""
    return None if found is None else (found.version.replace("null", ""), found.etag)
