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
from agent.store.settings import HERE, Project, Settings, Store
from agent.uploads import runs
from agent.uploads.runs import Run

_DATABASES: Final = "database/"
_UPLOADS: Final = "uploads/"
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

    `until`: what is later doesn't count. `wrong` says by project why nothing is there that should be; `strangers` are
    projects that the second place has, and this server should not have.
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


def looked(ports: Ports, store: Store, projects: Sequence[Project], system: str, wanted: Wanted) -> Found:
    """Look what is there of these projects, for a server whose cluster is `system`. Raises Failed.

    `ports` read as was first written.
    """
    until = min(born(system), wanted.at) if wanted.at else born(system)
    try:
        archive, warnings = (None, []) if wanted.dumps else _archive(ports, store, system, until)
        found, wrong = {}, {}
        for project in projects:
            if project.database is not None:
                dump, why = _dump(ports, store, project.id, until)
                found.update({project.id: dump} if dump else {})
                wrong.update({project.id: why} if why else {})
        lists = {
            (project.id, bucket): run
            for project in projects
            for bucket in project.buckets
            if (run := _run(ports, store, project.id, bucket, until))
        }
        strangers = _strangers(ports, store, {project.id for project in projects})
    except StoreError as error:
        remedy = "see that these keys may list and read there (docs/backup.md), then run again"
        raise Failed("look", f"{store.name}: {error}", remedy) from None
    return Found(store, until, archive, found, lists, wrong, strangers, tuple(warnings))


def _archive(ports: Ports, store: Store, system: str, until: datetime) -> tuple[Archive | None, list[str]]:
    """Of the cluster that has the newest base backup, but for the one that runs here."""
    found, warnings = [], []
    for each in stock.systems(ports, store.place):
        if each == system or born(each) > until:
            continue
        try:
            there = stock.stock(ports, store.place, each)
        except (Damaged, PipeBroken) as error:
            warnings.append(f"the archive of cluster {each} can't be read: {error}")
            continue
        warnings += [f"base backup {name} of cluster {each} {why}" for name, why in there.wrong.items()]
        if bases := [base.at for base in there.bases if base.at <= until]:
            found.append((max(bases), there))
    if not found:
        return None, warnings
    _, best = max(found, key=lambda pair: pair[0])
    objects = ports.s3.objects(store.place, segments.folder(best.system))
    return Archive(best, max((each.at for each in objects), default=best.bases[-1].at)), warnings


def _dump(ports: Ports, store: Store, project: str, until: datetime) -> tuple[Backup | None, str]:
    """The newest dump, and why a newer one than that is none."""
    listing = backups.listed(ports, store.place, project)
    early = [each for each in listing.backups if each.moment <= until]
    best = early[0] if early else None
    newer = {key: why for key, why in listing.wrong.items() if best is None or key > best.id}
    return best, "; ".join(f"{key} {why}" for key, why in sorted(newer.items(), reverse=True)[:3])


def _run(ports: Ports, store: Store, project: str, bucket: str, until: datetime) -> Run | None:
    listing = runs.listed(ports, store.place, project, bucket)
    return next((run for run in listing.runs if run.moment <= until), None)


def _strangers(ports: Ports, store: Store, known: set[str]) -> tuple[str, ...]:
    found = {
        each.key.split("/")[1]
        for prefix in (_DATABASES, _UPLOADS)
        for each in ports.s3.objects(store.place, prefix)
    }
    return tuple(sorted(found - known))
