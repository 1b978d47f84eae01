"""What the second place has of a server that is lost: the archive of its databases, newest dumps, lists of uploads.

Only what is older than the databases here counts: the new server's own timers may have saved it empty already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from agent.archive import segments, stock
from agent.archive.stock import Stock
from agent.documents.errors import Failed
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.rebuild.document import Wanted
from agent.store import backups
from agent.store.backups import Backup
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings, Store
from agent.uploads import runs
from agent.uploads.runs import Run

_DATABASES: Final = "database/"
_UPLOADS: Final = "uploads/"
_SHOWN: Final = 3
_SECONDS: Final = 32
"""The upper half of a cluster's number is when it was made (BootStrapXLOG in src/backend/access/transam/xlog.c)."""


@dataclass(frozen=True)
class Archive:
    """The archive of one cluster, and when the last of it came."""

    stock: Stock
    came: datetime


@dataclass(frozen=True)
class Found:
    """What there is: `archive` of all databases, the newest dump by project, the newest list by project and bucket.

    `until`: what is later doesn't count. `wrong` says by project or bucket why what is newer than that is none; `strangers`
    are projects that the second place has, and this server should not have.
    """

    store: Store
    until: datetime
    archive: Archive | None
    dumps: Mapping[str, Backup]
    runs: Mapping[tuple[str, str], Run]
    wrong: Mapping[str, str] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def born(system: str) -> datetime:
    """When a cluster was made, by its number."""
    return datetime.fromtimestamp(int(system) >> _SECONDS, UTC)


def second(settings: Settings, wanted: Wanted) -> Store:
    """The second place by the keys that read there. Raises Failed when this stack has none."""
    found = next((store for store in settings.stores if store.name != HERE), None)
    if found is None:
        cause = "this stack has no second place: there is nothing to rebuild from"
        raise Failed("look", cause, "see `codeb:backup.second` in docs/backup.md, then `pulumi up`")
    keys = {"access_key": wanted.access_key, "secret_key": wanted.secret_key}
    return Store(found.name, replace(found.place, lock_days=0, **keys))


def looked(ports: Ports, store: Store, settings: Settings, system: str, wanted: Wanted) -> Found:
    """Look what is there of the projects that are wanted, for a server whose cluster is `system`. Raises Failed.

    `ports` read as was first written.
    """
    until = wanted.at or born(system)
    projects = [each for each in settings.projects if not wanted.projects or each.id in wanted.projects]
    look = _Look(ports, store, until)
    try:
        archive = None if wanted.dumps else _archive(look, system)
        dumps = {each.id: dump for each in projects if each.database and (dump := look.dump(each.id))}
        lists = {
            (each.id, bucket): run
            for each in projects
            for bucket in each.buckets
            if (run := look.run(each.id, bucket))
        }
        strangers = _strangers(ports, store, {project.id for project in settings.projects})
    except StoreError as error:
        remedy = "see that these keys may list and read there (docs/backup.md), then run again"
        raise Failed("look", f"{store.name}: {error}", remedy) from None
    return Found(store, until, archive, dumps, lists, look.wrong, strangers, tuple(look.warnings))


@dataclass
class _Look:
    """One look, and what there is to say of it."""

    ports: Ports
    store: Store
    until: datetime
    wrong: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def dump(self, project: str) -> Backup | None:
        """The newest dump that counts."""
        listing = backups.listed(self.ports, self.store.place, project)
        self._late(project, [each.moment for each in listing.backups])
        best = next((each for each in listing.backups if each.moment <= self.until), None)
        self._newer(project, listing.wrong, best.id if best else "")
        return best

    def run(self, project: str, bucket: str) -> Run | None:
        """The newest list of a bucket that counts."""
        listing = runs.listed(self.ports, self.store.place, project, bucket)
        best = next((each for each in listing.runs if each.moment <= self.until), None)
        self._newer(bucket, listing.wrong, best.id if best else "")
        return best

    def _newer(self, name: str, wrong: Mapping[str, str], best: str) -> None:
        newer = [f"{key} {why}" for key, why in sorted(wrong.items(), reverse=True) if key > best]
        if newer:
            self.wrong[name] = "; ".join(newer[:_SHOWN])
        counts = [each for each in newer if each.partition("-")[0] <= f"{self.until:%Y%m%dT%H%M%SZ}"]
        if counts and best:
            what = "; ".join(counts[:_SHOWN])
            self.warnings.append(f"{name}: {best} is taken, as what is newer is none: {what}")

    def _late(self, project: str, moments: Sequence[datetime]) -> None:
        """A new server's clock may have been wrong as its databases were made."""
        if late := [each for each in moments if each > self.until]:
            self.warnings.append(
                f"{project}: {len(late)} backups are later than {self.until:%Y-%m-%d %H:%M:%S} UTC, the newest of "
                f"{max(late):%Y-%m-%d %H:%M:%S}, and don't count: this server's own, as a rule"
            )


def _archive(look: _Look, system: str) -> Archive | None:
    """Of the cluster that has the newest base backup, but for the one that runs here."""
    found = []
    ports, place = look.ports, look.store.place
    for each in stock.systems(ports, place):
        if each == system or born(each) > look.until:
            continue
        try:
            there = stock.stock(ports, place, each)
        except (Damaged, PipeBroken) as error:
            look.warnings.append(f"the archive of cluster {each} can't be read: {error}")
            continue
        look.warnings += [f"base backup {name} of cluster {each} {why}" for name, why in there.wrong.items()]
        if bases := [base.at for base in there.bases if base.at <= look.until]:
            found.append((max(bases), there))
    if not found:
        return None
    _, best = max(found, key=lambda pair: pair[0])
    objects = ports.s3.objects(place, segments.folder(best.system))
    return Archive(best, max((each.at for each in objects), default=best.bases[-1].at))


def _strangers(ports: Ports, store: Store, known: set[str]) -> tuple[str, ...]:
    found = {
        each.key.split("/")[1]
        for prefix in (_DATABASES, _UPLOADS)
        for each in ports.s3.objects(store.place, prefix)
    }
    return tuple(sorted(found - known))
