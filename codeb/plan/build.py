"""Put a plan together: servers, data services, projects, what is retained, and what there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codeb import names
from codeb.model import Manifest, Settings
from codeb.plan.allocation import Allocation, allocate, request_of
from codeb.plan.placement import check_edge, data_server, place, servers_of
from codeb.plan.previous import Previous, read_previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.retention import notes, retained
from codeb.plan.types import (
    BucketPlan,
    CachePlan,
    DatabasePlan,
    DataServicesPlan,
    Plan,
    ProjectPlan,
    RedisPlan,
    RetainedPlan,
    ServerPlan,
)

POSTGRES_PORT = 5432
REDIS_PORT = 6379
MINIO_PORT = 9000
MINIO_CONSOLE_PORT = 9001


def make_plan(settings: Settings, manifests: Iterable[Manifest], previous: object = None) -> Plan:
    """What the stack is to be: `manifests` on `settings`' servers, with what the `previous` registry holds.

    Args:
        previous: the registry document of the previous run as the stack output gives it back, or None.

    Raises:
        PlanError: names every problem: servers without a needed role, pools without room, ports or names that
            two projects claim, a previous registry that can't be understood.
    """
    ordered = sorted(manifests, key=lambda manifest: manifest.project.id)
    servers = servers_of(settings)
    holder = data_server(servers)
    check_edge(servers)
    held = read_previous(previous)
    allocation = allocate([request_of(manifest) for manifest in ordered], held)
    data = _data_services(holder, allocation, held)
    projects = _projects(ordered, servers, allocation, held, data)
    kept = retained(projects, held, data)
    problems = list(_shared_names(projects, kept))
    if problems:
        raise PlanError(problems)
    return Plan(settings, servers, data, projects, kept, notes(projects, held, data))


def _data_services(server: ServerPlan, allocation: Allocation, held: Previous) -> DataServicesPlan:
    slots = [*allocation.slots.values(), *(holding.slot for holding in held.values() if holding.slot)]
    instances = 1 + max((slot.instance for slot in slots), default=0)
    return DataServicesPlan(
        server=server.name,
        host=server.private_address,
        postgres_port=POSTGRES_PORT,
        minio_port=MINIO_PORT,
        minio_console_port=MINIO_CONSOLE_PORT,
        redis=tuple(RedisPlan(number, REDIS_PORT + number) for number in range(instances)),
    )


def _projects(
    ordered: list[Manifest],
    servers: tuple[ServerPlan, ...],
    allocation: Allocation,
    held: Previous,
    data: DataServicesPlan,
) -> tuple[ProjectPlan, ...]:
    projects: list[ProjectPlan] = []
    problems: list[Problem] = []
    for manifest in ordered:
        before = held[manifest.project.id].servers if manifest.project.id in held else ()
        try:
            projects.append(_project(manifest, place(manifest, servers, before), allocation, data))
        except PlanError as error:
            problems.extend(error.problems)
    if problems:
        raise PlanError(problems)
    return tuple(projects)


def _project(
    manifest: Manifest, servers: tuple[str, ...], allocation: Allocation, data: DataServicesPlan
) -> ProjectPlan:
    project_id = manifest.project.id
    return ProjectPlan(
        manifest=manifest,
        id=project_id,
        domain=manifest.environment.domain,
        aliases=tuple(manifest.environment.aliases),
        pool=manifest.servers.pool,
        ports=allocation.ports[project_id],
        servers=servers,
        user=names.user(project_id),
        database=_database(manifest, data),
        cache=_cache(project_id, allocation, data),
        buckets=_buckets(manifest),
    )


def _database(manifest: Manifest, data: DataServicesPlan) -> DatabasePlan | None:
    wanted = manifest.resources.database
    if not wanted.enabled:
        return None
    return DatabasePlan(
        name=names.database(manifest.project.id),
        role=names.user(manifest.project.id),
        host=data.host,
        port=data.postgres_port,
        connection_limit=wanted.connection_limit,
        extensions=tuple(wanted.extensions),
    )


def _cache(project_id: str, allocation: Allocation, data: DataServicesPlan) -> CachePlan | None:
    slot = allocation.slots.get(project_id)
    if slot is None:
        return None
    return CachePlan(slot, data.host, data.redis[slot.instance].port, names.user(project_id))


def _buckets(manifest: Manifest) -> tuple[BucketPlan, ...]:
    wanted = manifest.resources.storage
    if not wanted.enabled:
        return ()
    return tuple(
        BucketPlan(
            name=names.bucket(manifest.project.id, bucket.suffix),
            suffix=bucket.suffix,
            access=bucket.access,
            quota=bucket.quota,
            expire_days=bucket.expire_days,
        )
        for bucket in wanted.buckets
    )


def _shared_names(projects: Iterable[ProjectPlan], kept: Iterable[RetainedPlan]) -> Iterator[Problem]:
    """Names that two projects would share, running or retained."""
    holders: dict[tuple[str, str], str] = {}
    items: list[ProjectPlan | RetainedPlan] = [*kept, *projects]
    for item in items:
        for claim in _claims(item):
            other = holders.setdefault(claim, item.id)
            if other != item.id:
                yield Problem(
                    f"{item.id}: project.id",
                    f"{claim[0]} {claim[1]} already belongs to {other}",
                    f"Choose another name for {item.id}; data of a project that has left keeps its names.",
                )
                break


def _claims(item: ProjectPlan | RetainedPlan) -> list[tuple[str, str]]:
    crons = item.manifest.features.cron if isinstance(item, ProjectPlan) else ()
    claims = names.claims(
        item.id,
        bucket_suffixes=[bucket.suffix for bucket in item.buckets],
        cron_names=[cron.name for cron in crons],
    )
    return [(space, name) for space, taken in claims.items() for name in taken]
