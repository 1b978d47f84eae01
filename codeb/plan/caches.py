"""Redis instances: the shared ones with their indexes, and those that belong to one project.

An instance of a project's own is named after it, so nobody else can ever get its name, data or password; only its port is
handed out. What a project got it keeps while anything of it may use it: an index until the project leaves, so that a
rollback past a switch to an instance of its own finds it; an instance until no release on the host names it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from codeb import managed_names, names
from codeb.model import Cache
from codeb.plan.held import Holding
from codeb.plan.previous import Previous
from codeb.plan.problems import PlanError, Problem
from codeb.plan.types import CachePlan, ProjectPlan, RedisPlan
from codeb.plan.values import Instance, Slot

REDIS_PORT: Final = 6379
FIRST_OWN_PORT: Final = 8001
LAST_OWN_PORT: Final = 8999
SHARED_MEMORY: Final = 512 << 20
# By use: a key that is read again outlives any number of keys that are written once, whoever's they are.
SHARED_EVICTION: Final = "allkeys-lfu"


def own_instances(wanted: Mapping[str, Cache], previous: Previous) -> dict[str, Instance]:
    """The instance of each project that has one of its own: it asks for it, or something of it may still use it.

    `wanted` are the caches that the manifests ask for, by project id.

    Raises:
        PlanError: there is no port left; names every project.
    """
    found = {key: held.instance for key, held in previous.items() if held.instance and _needed(held, wanted)}
    taken = {held.instance.port for held in previous.values() if held.instance}
    free = (port for port in range(FIRST_OWN_PORT, LAST_OWN_PORT + 1) if port not in taken)
    problems = []
    for key, cache in sorted(wanted.items()):
        if not cache.enabled or cache.dedicated is None:
            continue
        port = found[key].port if key in found else next(free, None)
        if port is None:
            problems.append(_full(key))
        else:
            found[key] = Instance(port, cache.dedicated, cache.eviction or SHARED_EVICTION)
    if problems:
        raise PlanError(problems)
    return found


def _needed(held: Holding, wanted: Mapping[str, Cache]) -> bool:
    """Whether an instance stays that the manifest may not ask for any more.

    A project that left holds it as it holds its ports. Of one that runs its host says which caches its releases use.
    """
    return held.id not in wanted or held.caches is None or any(_at(held, place) for place in held.caches)


def _at(held: Holding, place: str) -> bool:
    if held.instance is None or place.startswith(managed_names.TLS):
        return False
    return place.rpartition(":")[2] == str(held.instance.port)


def redis_plans(slots: Iterable[Slot], own: Mapping[str, Instance]) -> tuple[RedisPlan, ...]:
    """Every instance of the stack: `redis-0` and as many more as the slots need, then the projects' own."""
    shared = 1 + max((slot.instance for slot in slots), default=0)
    plans = [
        RedisPlan(str(number), REDIS_PORT + number, SHARED_MEMORY, SHARED_EVICTION)
        for number in range(shared)
    ]
    plans += [
        RedisPlan(key, own[key].port, own[key].memory, own[key].eviction, owner=key) for key in sorted(own)
    ]
    return tuple(plans)


def cache_plan(
    project_id: str, wanted: Cache, slot: Slot | None, redis: Mapping[str, RedisPlan], host: str
) -> CachePlan | None:
    """Where a project finds its cache; `redis` are the instances by key."""
    if not wanted.enabled:
        return None
    key = project_id if wanted.dedicated is not None else str(slot.instance) if slot else ""
    own = redis.get(project_id)
    return CachePlan(
        redis=redis[key],
        index=0 if wanted.dedicated is not None or slot is None else slot.index,
        host=host,
        user=names.user(project_id),
        slot=slot,
        instance=Instance(own.port, own.memory, own.eviction) if own else None,
    )


def keep_idle(project: ProjectPlan, held: Holding | None, own: Mapping[str, Instance]) -> ProjectPlan:
    """The project with what it holds on to while its manifest asks for no cache: nobody else is given it."""
    if project.cache is not None or held is None:
        return project
    return replace(project, idle_slot=held.slot, idle_instance=own.get(project.id))


def moves(projects: Iterable[ProjectPlan], previous: Previous) -> Iterator[str]:
    """One sentence for each project whose cache is somewhere else than before."""
    for project in projects:
        held = previous.get(project.id)
        before = held.cached_at if held else None
        if held and held.instance and project.cache and not project.cache.instance:
            yield f"{names.redis_instance(project.id)} goes: no release of {project.id} uses it. Its data stays on the disk."
        if before and project.cache and project.cache.name != before:
            yield (
                f"{project.id} moves from {before} to {project.cache}: its cache is not moved, so it finds it "
                "empty there (sessions in it end) or as it left it."
            )


def _full(project_id: str) -> Problem:
    return Problem(
        f"{project_id}: resources.cache.dedicated",
        f"there is no port left: {FIRST_OWN_PORT}-{LAST_OWN_PORT} make {LAST_OWN_PORT - FIRST_OWN_PORT + 1} instances",
        "Share an instance (leave dedicated out), or let go of retained projects (lifecycle: destroy).",
    )
