"""Which side a project's database is on, the data server's or that of Vultr's managed service, and what stays on the other.

The side here is always there, so that what is at the service can come back. The one at the service is there for whom the
settings name, and stays for whom the registry knows to have been there, as long as the service does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from codeb import managed_names, names
from codeb.model import Manifest, Settings
from codeb.plan.fleet import DatabaseService
from codeb.plan.held import HeldDatabase, Holding
from codeb.plan.problems import Problem
from codeb.plan.types import DatabasePlan, ProjectPlan

_NAMED = 3
_DOC = "docs/managed-data.md"


def service_of(settings: Settings) -> DatabaseService | None:
    """The service that the stack has; None without one."""
    wanted = settings.managed.postgres
    return DatabaseService(wanted.plan, wanted.version, wanted.ca or "") if wanted else None


def at_service(database: DatabasePlan) -> DatabasePlan:
    """The same database at the service: Vultr tells host and port once it is there."""
    return replace(database, host=managed_names.HOST, port=0, managed=True)


def sides(
    settings: Settings, project_id: str, own: DatabasePlan | None, held: HeldDatabase | None
) -> tuple[DatabasePlan | None, DatabasePlan | None]:
    """The database that the project's app uses, and the one beside it, on the other side; `own` is the one here."""
    if own is None or settings.managed.postgres is None:
        return own, None
    there = at_service(own)
    if _lives(settings, project_id):
        return there, own
    wanted = settings.managed.postgres.has(project_id) and names.previewed(project_id) is None
    known = held is not None and (held.managed or held.beside)
    return own, there if wanted or known else None


def retained_sides(
    settings: Settings, own: DatabasePlan | None, held: HeldDatabase | None
) -> tuple[DatabasePlan | None, DatabasePlan | None]:
    """The same of a database that no manifest asks for any more: it stays where it is."""
    if own is None or held is None or settings.managed.postgres is None:
        return own, None
    there = at_service(own)
    if held.managed:
        return there, own
    return own, there if held.beside else None


def misplaced(
    settings: Settings, manifests: Iterable[Manifest], previous: Mapping[str, Holding]
) -> Iterator[Problem]:
    """Databases that the settings have on another side than their data is on, and what would be lost with the service."""
    for manifest in manifests:
        held = previous.get(manifest.id)
        if held is None or held.database is None or not manifest.resources.database.enabled:
            continue
        if _lives(settings, manifest.id) != held.database.data_managed:
            yield _elsewhere(manifest.id, managed=held.database.data_managed)
    if settings.managed.postgres is None:
        asked = {each.id for each in manifests if each.resources.database.enabled}
        for held in previous.values():
            if held.database and held.database.data_managed and held.id not in asked and held.stays:
                yield _elsewhere(held.id, managed=True)


def undroppable(projects: Iterable[ProjectPlan]) -> Iterator[Problem]:
    """Projects at the service whose data would be dropped with them: final backups are made on the data server alone."""
    for project in projects:
        if project.database and project.database.managed and project.dropped:
            yield Problem(
                f"{project.id}: project.lifecycle",
                "destroy makes a final backup on the data server, and the database is at the managed service",
                f"Bring it back first: `codeb move-data {project.id} --to here` ({_DOC}).",
            )


def service_notes(settings: Settings, projects: Iterable[ProjectPlan]) -> Iterator[str]:
    """What there is to say: ids that are nobody's, and whose database our own backups don't have."""
    wanted = settings.managed.postgres
    if wanted is None:
        return
    there = {project.id: project for project in projects if project.database}
    if strange := [each for each in wanted.named if each not in there]:
        yield f"codeb:managed.postgres names {_listed(strange)}, and no manifest has a database of that id."
    saved = [
        key
        for key, each in there.items()
        if each.database and each.database.managed and each.manifest.backup.enabled
    ]
    if saved:
        yield (
            f"the database of {_listed(sorted(saved))} is at the managed service: Vultr backs it up, `backup` in the "
            "manifest is for buckets alone."
        )


def _lives(settings: Settings, project_id: str) -> bool:
    wanted = settings.managed.postgres
    return wanted is not None and wanted.lives(project_id) and names.previewed(project_id) is None


def _elsewhere(project_id: str, *, managed: bool) -> Problem:
    where, to = ("at the managed service", "here") if managed else ("on the data server", "managed")
    return Problem(
        f"{project_id}: codeb:managed.postgres.projects",
        f"its data is {where}, as far as the data server has told",
        f"Run `codeb move-data {project_id} --to {to}`, which moves the data and edits this setting ({_DOC}); "
        "or set it back.",
    )


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{', '.join(ids[:_NAMED])}{more}"
