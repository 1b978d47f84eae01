"""Put a plan together: servers, data services, projects, what is retained, and what there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from codeb import names
from codeb.model import Manifest, Settings
from codeb.plan.allocation import Allocation, allocate, request_of
from codeb.plan.caches import cache_plan, keep_idle, moves, own_instances, redis_plans
from codeb.plan.connections import crowded
from codeb.plan.handover import HandOvers, Wish, hand_overs
from codeb.plan.held import Holding
from codeb.plan.placement import check_edge, data_server, place, servers_of
from codeb.plan.previous import Previous, read_previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.retention import leaving, notes, retained
from codeb.plan.types import DatabasePlan, DataServicesPlan, Plan, ProjectPlan, RetainedPlan, ServerPlan
from codeb.plan.values import BucketPlan, Instance

POSTGRES_PORT = 5432
MINIO_PORT = 9000
MINIO_CONSOLE_PORT = 9001


def make_plan(settings: Settings, manifests: Iterable[Manifest], previous: object = None) -> Plan:
    """What the stack is to be: `manifests` on `settings`' servers, with what the `previous` registry holds.

    Args:
        previous: the registry document of the previous run as the stack output gives it back, or None.

    Raises:
        PlanError: names every problem: servers without a needed role, pools without room, ports or names that
            two projects claim or that one has who is still leaving, a previous registry that can't be understood.
    """
    ordered = sorted(manifests, key=lambda manifest: manifest.project.id)
    servers = servers_of(settings)
    holder = data_server(servers)
    check_edge(servers)
    held = read_previous(previous)
    allocation = allocate([request_of(manifest) for manifest in ordered], held)
    own = own_instances({manifest.id: manifest.resources.cache for manifest in ordered}, held)
    data = _data_services(holder, allocation, own, held)
    handed = hand_overs([_wish(manifest, allocation) for manifest in ordered], held)
    projects = _projects(ordered, servers, allocation, handed, own, held, data)
    kept, left = retained(projects, held, data), leaving(projects, held)
    problems = [*handed.problems, *_shared_names(projects, kept, left)]
    if problems:
        raise PlanError(problems)
    told = (*notes(projects, held, data), *handed.notes, *moves(projects, held), *crowded(projects))
    return Plan(settings, servers, data, projects, kept, left, told)


def _wish(manifest: Manifest, allocation: Allocation) -> Wish:
    environment, project_id = manifest.environment, manifest.project.id
    names_wanted = frozenset({environment.domain, *environment.aliases})
    return Wish(project_id, names_wanted, manifest.servers.pool, allocation.ports[project_id])


def _data_services(
    server: ServerPlan, allocation: Allocation, own: Mapping[str, Instance], held: Previous
) -> DataServicesPlan:
    slots = [*allocation.slots.values(), *(holding.slot for holding in held.values() if holding.slot)]
    return DataServicesPlan(
        server=server.name,
        host=server.private_address,
        postgres_port=POSTGRES_PORT,
        minio_port=MINIO_PORT,
        minio_console_port=MINIO_CONSOLE_PORT,
        redis=redis_plans(slots, own),
    )


def _projects(
    ordered: list[Manifest],
    servers: tuple[ServerPlan, ...],
    allocation: Allocation,
    handed: HandOvers,
    own: Mapping[str, Instance],
    held: Previous,
    data: DataServicesPlan,
) -> tuple[ProjectPlan, ...]:
    projects: list[ProjectPlan] = []
    problems: list[Problem] = []
    for manifest in ordered:
        before = held.get(manifest.project.id)
        try:
            where = place(manifest, servers, before.servers if before else ())
            project = _project(manifest, where, allocation, handed, data)
        except PlanError as error:
            problems.extend(error.problems)
        else:
            projects.append(keep_idle(project, before, own))
    if problems:
        raise PlanError(problems)
    return tuple(projects)


def _project(
    manifest: Manifest,
    servers: tuple[str, ...],
    allocation: Allocation,
    handed: HandOvers,
    data: DataServicesPlan,
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
        cache=cache_plan(
            project_id, manifest.resources.cache, allocation.slots.get(project_id), data.redis, data.host
        ),
        buckets=_buckets(manifest),
        ceded=handed.ceded.get(project_id, ()),
        after=handed.before.get(project_id),
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


def _shared_names(
    projects: Iterable[ProjectPlan], kept: Iterable[RetainedPlan], left: Iterable[Holding]
) -> Iterator[Problem]:
    """Names that two projects would share, be they running, retained or leaving."""
    holders: dict[tuple[str, str], str] = {}
    leaving_ids = {held.id for held in left}
    for held in left:
        holders |= {claim: held.id for claim in _held_claims(held)}
    items: list[ProjectPlan | RetainedPlan] = [*kept, *projects]
    for item in items:
        for claim in _claims(item):
            other = holders.setdefault(claim, item.id)
            if other != item.id:
                yield _shared(item.id, claim, other, leaving=other in leaving_ids)
                break


def _shared(project_id: str, claim: tuple[str, str], other: str, *, leaving: bool) -> Problem:
    where, what = f"{project_id}: project.id", f"{claim[0]} {claim[1]}"
    if leaving:
        return Problem(
            where,
            f"{what} still belongs to {other}, which is leaving",
            f"Deploy once without {project_id}, then add it; or choose another id for it.",
        )
    return Problem(
        where,
        f"{what} already belongs to {other}",
        f"Choose another name for {project_id}; data of a project that has left keeps its names.",
    )


def _claims(item: ProjectPlan | RetainedPlan) -> list[tuple[str, str]]:
    crons = item.manifest.features.cron if isinstance(item, ProjectPlan) else ()
    claims = names.claims(
        item.id,
        bucket_suffixes=[bucket.suffix for bucket in item.buckets],
        cron_names=[cron.name for cron in crons],
    )
    return [(space, name) for space, taken in claims.items() for name in taken]


def _held_claims(held: Holding) -> list[tuple[str, str]]:
    """Names that this project uses until it has left; those of data services only if it has something there."""
    claims = names.claims(held.id, bucket_suffixes=[bucket.suffix for bucket in held.buckets])
    unused = set() if held.database else {"database"}
    unused |= set() if held.database or held.slot or held.buckets else {"user"}
    return [(space, name) for space, taken in claims.items() if space not in unused for name in taken]
