"""A project's uploads as a part of its restore: which buckets, as of when, and what became of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from agent.documents.errors import Failed
from agent.host.ports import Ports
from agent.restore.document import DATABASE_ONLY, NEWEST, UPLOADS_ONLY, Wanted
from agent.restore.lists import NothingKnown
from agent.restore.uploads import STAYS, Brought, Goal, Work, prepared, removed, written
from agent.store.settings import Settings, Store
from agent.uploads import runs

Told = dict[str, object]
BACK: Final = f"uploads are back already: {STAYS}"
ROUND: Final = timedelta(seconds=1)
"""Backups say to the second when their data was read: what came within it counts."""


@dataclass
class Files:
    """Buckets on their way, none when only a database is restored; `stores` are read, `settings` are the host's own."""

    ports: Ports
    settings: Settings
    stores: Sequence[Store]
    goals: tuple[Goal, ...]
    works: list[Work] = field(default_factory=list)
    begun: bool = False

    @property
    def size(self) -> int:
        """Bytes that are to be written."""
        return sum(work.plan.size for work in self.works)

    def told(self) -> list[Told]:
        """What was found of each bucket, and done."""
        return [_told(work.brought()) for work in self.works]

    def look(self, at: datetime | None, what: str) -> list[str]:
        """Find out what it takes; nothing changes. What is to be known of it, in words. Raises Failed."""
        self.works, warnings = [], []
        for goal in self.goals:
            try:
                self.works.append(
                    prepared(self.ports, self.settings, self.stores, replace(goal, at=at, what=what))
                )
            except NothingKnown as error:
                if not goal.both:
                    raise
                warnings.append(f"{error}: it stays as it is")
        return warnings

    def write(self) -> Generator[Told, None, None]:
        """Look again, as apps went on; write what was there then. Raises Failed."""
        for number, work in enumerate(self.works):
            goal = work.goal
            yield {"project": goal.whose, "bucket": goal.target, "phase": "uploads"}
            self.works[number] = prepared(self.ports, self.settings, self.stores, goal)
            self.begun = True
            yield from written(self.works[number])

    def end(self) -> None:
        """Mark what was not there as deleted, where that is wanted. Raises Failed."""
        for work in self.works:
            removed(work)

    def warnings(self) -> list[str]:
        """Once it is done."""
        said = [each for work in self.works for each in work.warnings]
        return said + [
            f"{work.goal.target}: {work.changed} objects were changed by an app meanwhile, and left as they are"
            for work in self.works
            if work.changed
        ]


def parts(wanted: Wanted, settings: Settings) -> tuple[bool, tuple[str, ...]]:
    """Whether the database comes back, and which buckets. Raises Failed."""
    project = settings.project(wanted.project)
    buckets = () if project is None else project.buckets
    if wanted.table or wanted.only == DATABASE_ONLY:
        return True, ()
    if wanted.only == UPLOADS_ONLY or wanted.objects:
        if not buckets:
            cause = f"{wanted.project} has no bucket that is backed up here"
            raise Failed("settings", cause, "see `backup.enabled` in its manifest, then `pulumi up`")
        return False, buckets
    return not buckets or (project is not None and project.database is not None), buckets


def goals(wanted: Wanted, buckets: Sequence[str], since: str, *, both: bool) -> tuple[Goal, ...]:
    """What is wanted of each of these buckets. Raises Failed."""
    prefix = ""
    if wanted.objects:
        bucket, prefix = below(wanted.objects, wanted.buckets, buckets)
        buckets = [bucket]
    exact = both if wanted.exact is None else wanted.exact
    into = wanted.into
    return tuple(
        Goal(
            wanted.project, bucket,
            into=_copy_of(bucket, wanted.buckets, into.buckets) if into else "",
            owner=into.project if into else "",
            prefix=prefix, exact=exact, replace=wanted.replace, by=wanted.by, since=since, both=both,
        )
        for bucket in buckets
    )  # fmt: skip


def below(text: str, own: str, buckets: Sequence[str]) -> tuple[str, str]:
    """The bucket and the beginning of keys that somebody means: `faces/`, with a bucket's name before it where there are
    several, or where it is meant to be clear. `own`: what the names of the project's buckets begin with. Raises Failed."""
    head, slash, rest = text.partition("/")
    if head in buckets:
        return head, rest
    if len(buckets) == 1:
        return buckets[0], text
    if slash and f"{own}{head}" in buckets:
        return f"{own}{head}", rest
    names = ", ".join(each.removeprefix(own) for each in buckets)
    raise Failed("settings", f"there are several buckets: {names}", "say which: `--objects NAME/PREFIX`")


def _copy_of(bucket: str, own: str, others: str) -> str:
    """The other project's bucket of the same name. Raises Failed."""
    if not others or not own or not bucket.startswith(own):
        raise Failed("settings", f"which bucket becomes a copy of {bucket} isn't said", "update `codeb`")
    return f"{others}{bucket.removeprefix(own)}"


def moment(wanted: Wanted, dumped: datetime | None) -> datetime | None:
    """As of when uploads come back: of the moment that is named, else of when the database was `dumped`; None for the
    newest run."""
    if wanted.at is not None:
        return wanted.at
    if dumped is not None:
        return dumped + ROUND
    return None if wanted.backup == NEWEST else runs.moment(wanted.backup) + ROUND


def _told(found: Brought) -> Told:
    return {key: value for key, value in asdict(found).items() if key not in ("project", "warnings")}
