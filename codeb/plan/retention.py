"""What happens to data that no manifest asks for any more, and how the plan says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from codeb import names
from codeb.model import Settings
from codeb.plan.held import HeldDatabase, Holding
from codeb.plan.managed import retained_sides
from codeb.plan.objects import retained_objects
from codeb.plan.previous import Previous
from codeb.plan.types import DatabasePlan, DataServicesPlan, ProjectPlan, RetainedPlan
from codeb.plan.values import BucketPlan


def retained(
    settings: Settings, projects: Iterable[ProjectPlan], previous: Previous, data: DataServicesPlan
) -> tuple[RetainedPlan, ...]:
    """Data to keep, in order of project id: of projects that left, and what running projects no longer name.

    What was applied with `lifecycle: destroy` is let go.
    """
    running = {project.id: project for project in projects}
    found = []
    for held in sorted(previous.values(), key=lambda held: held.id):
        rest = _rest(held, running.get(held.id), data)
        if rest and held.lifecycle == "retain":
            database, beside = retained_sides(settings, rest.database, held.database)
            objects = retained_objects(settings, held)
            found.append(replace(rest, database=database, beside=beside, objects=objects))
    return tuple(found)


def leaving(projects: Iterable[ProjectPlan], previous: Previous) -> tuple[Holding, ...]:
    """Projects without manifest and data to keep that may still run, in order of project id."""
    running = {project.id for project in projects}
    return tuple(
        held
        for held in sorted(previous.values(), key=lambda held: held.id)
        if held.id not in running and not held.stays
    )


def notes(projects: Iterable[ProjectPlan], previous: Previous, data: DataServicesPlan) -> tuple[str, ...]:
    """One sentence for each project that leaves, comes back, stays retained or gives up data."""
    running = {project.id: project for project in projects}
    found = (
        _note(held, running.get(held.id), data) for held in sorted(previous.values(), key=lambda h: h.id)
    )
    return tuple(note for note in found if note)


def database_of(held: HeldDatabase, project_id: str, data: DataServicesPlan) -> DatabasePlan:
    """The plan of a database that the registry remembers."""
    return DatabasePlan(
        name=names.database(project_id),
        role=names.user(project_id),
        host=data.host,
        port=data.postgres_port,
        connection_limit=held.connection_limit,
        extensions=held.extensions,
        login=held.login,
        logins=(1,)
        if held.login == 1
        else (),  # nobody logs in; the first password may be one that was rotated away
    )


def _rest(held: Holding, project: ProjectPlan | None, data: DataServicesPlan) -> RetainedPlan | None:
    """What `held` names and `project` does not."""
    current = {bucket.name for bucket in project.buckets} if project else set()
    buckets = tuple(bucket for bucket in held.buckets if bucket.name not in current)
    database = held.database if not (project and project.database) else None
    if not (database or buckets):
        return None
    return RetainedPlan(
        id=held.id,
        user=names.user(held.id),
        lifecycle=project.lifecycle if project else held.lifecycle,
        database=database_of(database, held.id, data) if database else None,
        buckets=buckets,
        held=None if project else held,
    )


def _note(held: Holding, project: ProjectPlan | None, data: DataServicesPlan) -> str | None:
    rest = _rest(held, project, data)
    if project and held.retained:
        return f"{held.id} is back and finds {_all_data(held)}."
    if project:
        return _given_up(held, rest) if rest else None
    stops = "its app stops at the end of this run"
    if rest is None:
        return f"{held.id} leaves: {stops}; it has no database and no buckets."
    if held.lifecycle == "destroy":
        return f"{held.id} leaves: {stops}; deleted with it (lifecycle: destroy): {_rest_data(rest)}."
    opening = "is retained" if held.retained else f"leaves: {stops}"
    return (
        f"{held.id} {opening}; kept: {_rest_data(rest)}. Put the manifest back to use it again; "
        "to drop it, put the manifest back with lifecycle: destroy, deploy, and remove it."
    )


def _given_up(held: Holding, rest: RetainedPlan) -> str:
    if held.lifecycle == "destroy":
        return f"{held.id} gives up {_rest_data(rest)}: deleted (lifecycle: destroy)."
    return (
        f"{held.id} no longer names {_rest_data(rest)}: kept. "
        "To drop it, set lifecycle: destroy and deploy twice."
    )


def _all_data(held: Holding) -> str:
    return _data(names.database(held.id) if held.database else None, held.buckets) or "no data"


def _rest_data(rest: RetainedPlan) -> str:
    return _data(rest.database.name if rest.database else None, rest.buckets)


def _data(database: str | None, buckets: Iterable[BucketPlan]) -> str:
    parts = [f"database {database}"] if database else []
    parts += [f"bucket {bucket.name}" for bucket in buckets]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
