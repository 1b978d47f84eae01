"""Put a plan together: servers, data services, projects, what is retained, and what there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from codeb import names
from codeb.model import Manifest, Settings
from codeb.plan.allocation import Allocation, allocate, request_of
from codeb.plan.caches import cache_plan, keep_idle, moves, own_instances, redis_plans
from codeb.plan.connections import crowded
from codeb.plan.costs import costs_of
from codeb.plan.handover import HandOvers, Wish, hand_overs
from codeb.plan.held import Holding
from codeb.plan.kept import NOTHING, Kept
from codeb.plan.machines import fleet_of, servers_of, zone_notes
from codeb.plan.managed import misplaced, service_notes, sides, undroppable
from codeb.plan.managed_caches import placed, unmovable
from codeb.plan.managed_caches import service_notes as cache_notes
from codeb.plan.objects import objects_notes, objects_of, objects_problems, with_objects
from codeb.plan.placement import check_edge, check_watcher, crowded_pools, data_server, place
from codeb.plan.previous import Previous, read_previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.retention import leaving, notes, retained
from codeb.plan.scaled import scaled
from codeb.plan.types import DatabasePlan, DataServicesPlan, Plan, ProjectPlan, RetainedPlan, ServerPlan
from codeb.plan.values import BucketPlan, Instance
from codeb.plan.workers import moves as moved_workers
from codeb.plan.workers import worker_plans

POSTGRES_PORT = 5432
MINIO_PORT = 9000
MINIO_CONSOLE_PORT = 9001


def make_plan(
    settings: Settings, manifests: Iterable[Manifest], previous: object = None, kept: Kept = NOTHING
) -> Plan:
    """What the stack is to be: `manifests` on `settings`' servers, with what the `previous` registry holds.

    Args:
        previous: the registry document of the previous run as the stack output gives it back, or None.
        kept: what there is beyond the manifests of the folder and the settings, as `codeb.plan.merged` found it; the plan
            passes it on.

    Raises:
        PlanError: names every problem: servers without a needed role, pools without room, ports or names that
            two projects claim or that one has who is still leaving, a previous registry that can't be understood.
    """
    settings = scaled(settings, kept.pools)
    ordered = sorted(manifests, key=lambda manifest: manifest.project.id)
    servers = servers_of(settings)
    holder = data_server(servers)
    check_edge(servers)
    check_watcher(servers)
    held = read_previous(previous)
    allocation = allocate([request_of(manifest) for manifest in ordered], held)
    own = own_instances({manifest.id: manifest.resources.cache for manifest in ordered}, held)
    data = _data_services(holder, allocation, own, held)
    handed = hand_overs([_wish(manifest, allocation) for manifest in ordered], held)
    projects = _projects(settings, ordered, servers, allocation, handed, own, held, data)
    rest, left = retained(settings, projects, held, data), leaving(projects, held)
    problems = [*handed.problems, *_shared_names(projects, rest, left), *_still_there(kept, held)]
    if problems := [*problems, *_at_services(settings, ordered, projects, held)]:
        raise PlanError(problems)
    fleet = with_objects(fleet_of(settings, servers, projects), settings, (*projects, *rest))
    told = (
        *kept.notes,
        *notes(projects, held, data),
        *handed.notes,
        *moves(projects, held),
        *(note for project in projects for note in moved_workers(project.id, project.workers)),
        *crowded(projects),
        *service_notes(settings, projects),
        *cache_notes(settings, projects, held),
        *objects_notes(settings, projects, held),
        *crowded_pools(projects, servers, _caches(data)),
        *zone_notes(fleet, settings, projects),
        *_untraced(settings, projects),
        *_unscaled(settings),
    )
    costs = costs_of(fleet, (server.name for server in settings.servers))
    return Plan(settings, servers, data, projects, rest, left, told, fleet, costs, kept)


def _at_services(
    settings: Settings, ordered: list[Manifest], projects: tuple[ProjectPlan, ...], held: Previous
) -> Iterator[Problem]:
    """What is in the way of data being at services that Vultr runs, or coming back."""
    yield from misplaced(settings, ordered, held)
    yield from undroppable(projects)
    yield from unmovable(settings, projects)
    yield from objects_problems(settings, projects, held)


def _untraced(settings: Settings, projects: Iterable[ProjectPlan]) -> Iterator[str]:
    """One sentence on apps that send traces where nobody takes them."""
    traced = sorted(each.id for each in projects if each.manifest.features.tracing)
    if traced and not settings.watched:
        more = f" and {len(traced) - 3} more" if len(traced) > 3 else ""
        yield f"features.tracing does nothing ({', '.join(traced[:3])}{more}): no server has the role monitoring."


def _unscaled(settings: Settings) -> Iterator[str]:
    """One sentence on pools whose load nobody measures."""
    waiting = [pool.name for _, pool in settings.vultr_pools if pool.autoscale]
    if waiting and not settings.watched:
        yield f"autoscale does nothing (pool {', '.join(waiting)}): no server has the role monitoring."


def _wish(manifest: Manifest, allocation: Allocation) -> Wish:
    environment, project_id = manifest.environment, manifest.project.id
    names_wanted = frozenset(environment.hosts)
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
    settings: Settings,
    ordered: list[Manifest],
    servers: tuple[ServerPlan, ...],
    allocation: Allocation,
    handed: HandOvers,
    own: Mapping[str, Instance],
    held: Previous,
    data: DataServicesPlan,
) -> tuple[ProjectPlan, ...]:
    before = {key: holding.servers for key, holding in held.items()}
    where = place(ordered, servers, before, _caches(data))
    projects = (
        _project(settings, each, where[each.id], allocation, handed, data, held.get(each.id))
        for each in ordered
    )
    return tuple(keep_idle(project, held.get(project.id), own) for project in projects)


def _caches(data: DataServicesPlan) -> int:
    """Bytes that Redis may take on the data server."""
    return sum(redis.memory for redis in data.redis)


def _project(
    settings: Settings,
    manifest: Manifest,
    servers: tuple[str, ...],
    allocation: Allocation,
    handed: HandOvers,
    data: DataServicesPlan,
    held: Holding | None,
) -> ProjectPlan:
    project_id = manifest.project.id
    own, buckets = _database(manifest, servers, data, held), _buckets(manifest)
    database, beside = sides(settings, project_id, own, held.database if held else None)
    wanted = manifest.resources.cache
    cache = cache_plan(project_id, wanted, allocation.slots.get(project_id), data.by_key, data.host)
    return ProjectPlan(
        manifest=manifest,
        id=project_id,
        domain=manifest.environment.domain,
        aliases=manifest.environment.aliases,
        pool=manifest.servers.pool,
        ports=allocation.ports[project_id],
        servers=servers,
        user=names.user(project_id),
        database=database,
        cache=placed(settings, project_id, cache, wanted.rotation, held),
        buckets=buckets,
        ceded=handed.ceded.get(project_id, ()),
        after=handed.before.get(project_id),
        workers=worker_plans(manifest, servers, held),
        beside=beside,
        objects=objects_of(settings, project_id, buckets),
    )


def _database(
    manifest: Manifest, servers: tuple[str, ...], data: DataServicesPlan, held: Holding | None
) -> DatabasePlan | None:
    wanted = manifest.resources.database
    if not wanted.enabled:
        return None
    return DatabasePlan(
        name=names.database(manifest.project.id),
        role=names.user(manifest.project.id),
        host=data.host,
        port=data.postgres_port,
        connection_limit=wanted.connection_limit * len(servers),
        extensions=tuple(wanted.extensions),
        login=wanted.rotation,
        logins=_logins(wanted.rotation, held),
    )


def _logins(number: int, held: Holding | None) -> tuple[int, ...]:
    """The login of this number, the one before, which a release that stands by has, and the one that serves has."""
    serving = held.serves.login if held and held.serves.names else 0
    return tuple(dict.fromkeys(each for each in (number, number - 1, serving) if each))


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
            versions_days=manifest.backup.retention_days if manifest.backup.enabled else None,
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


def _still_there(kept: Kept, held: Previous) -> Iterator[Problem]:
    """Preview environments that would find what a run that failed has not deleted yet."""
    for key in kept.previews:
        holding = held.get(key)
        if holding and holding.leaving and (holding.database or holding.buckets):
            cause = "what was there under this name is not known to be gone yet"
            yield Problem(f"{key}: preview environment", cause, "Deploy once without it, then open it.")


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
    features = item.manifest.features if isinstance(item, ProjectPlan) else None
    claims = names.claims(
        item.id,
        bucket_suffixes=[bucket.suffix for bucket in item.buckets],
        cron_names=[cron.name for cron in (features.cron if features else ())],
        worker_names=[worker.name for worker in (features.workers if features else ())],
    )
    return [(space, name) for space, taken in claims.items() for name in taken]


def _held_claims(held: Holding) -> list[tuple[str, str]]:
    """Names that this project uses until it has left; those of data services only if it has something there."""
    claims = names.claims(held.id, bucket_suffixes=[bucket.suffix for bucket in held.buckets])
    unused = set() if held.database else {"database"}
    unused |= set() if held.database or held.slot or held.buckets else {"user"}
    return [(space, name) for space, taken in claims.items() if space not in unused for name in taken]
