"""An entry of the registry as the plan wants it, before anything is known from a host."""

from __future__ import annotations

from typing import Any

from codeb import names
from codeb.plan import (
    BucketPlan,
    CachePlan,
    DatabasePlan,
    Holding,
    Instance,
    ObjectsPlan,
    Plan,
    Ports,
    ProjectPlan,
    RetainedPlan,
    Slot,
    WorkerPlan,
)

Entry = dict[str, Any]


def planned_entries(plan: Plan) -> dict[str, Entry]:
    """An entry for each project of the plan, running or retained, before anything is known from a host."""
    kept = {retained.id: retained for retained in plan.retained}
    entries = {project.id: planned_entry(project, kept.get(project.id)) for project in plan.projects}
    return entries | {r.id: _retained_entry(r) for r in plan.retained if r.id not in entries}


def planned_entry(project: ProjectPlan, kept: RetainedPlan | None = None) -> Entry:
    """The entry of a running project; `kept` is data that it no longer names but that stays."""
    entry: Entry = {
        "id": project.id,
        "name": project.manifest.display_name,
        "status": "planned",
        "created_at": None,
        "ports": _ports(project.ports),
        "database": _database(project.database, project.beside),
        "redis": _redis(project.cache) if project.cache else None,
        "minio": _minio(project.buckets, project.objects),
        "domain": project.domain,
        "aliases": [alias.host for alias in project.aliases],
        "ceded": list(project.ceded),
        "serves": None,
        "container_id": None,
        "health": {"status": "unknown", "last_check": None},
        "pool": project.pool,
        "servers": list(project.servers),
        "active": None,
        "image": project.manifest.environment.image,
        "digest": None,
        "release": None,
        "workers": [_worker(worker) for worker in project.workers],
        "caches": None,
        "maintenance": project.manifest.features.maintenance is not None,
        "warnings": [],
        "lifecycle": project.lifecycle,
    }
    idle = _idle_redis(project)
    rest = (_kept(kept) if kept else {}) | ({"redis": idle} if idle else {})
    return entry | {"retained": rest} if rest else entry


def _retained_entry(retained: RetainedPlan) -> Entry:
    """What a project that left holds on to: its ports and index too, so that it finds them when it comes
    back."""
    held = retained.held
    if held is None:
        raise ValueError(f"{retained.id} is neither in the plan's projects nor in the previous registry")
    before = held.entry
    return {
        "id": retained.id,
        "name": before.get("name", retained.id),
        "status": "retained",
        "created_at": before.get("created_at"),
        "ports": _ports(held.ports) if held.ports else None,
        "database": _database(retained.database, retained.beside),
        "redis": _held_redis(held),
        "minio": _minio(retained.buckets, retained.objects),
        "domain": before.get("domain"),
        "ceded": sorted(held.ceded),
        "serves": before.get("serves"),
        "container_id": None,
        "health": {"status": "stopped", "last_check": None},
        "pool": held.pool,
        "servers": list(held.servers),
        "active": None,
        "image": before.get("image"),
        "digest": before.get("digest"),
        "release": before.get("release"),
        "lifecycle": held.lifecycle,
    }


def _worker(plan: WorkerPlan) -> Entry:
    """`servers`: how many of its processes run where; `waits_for`: the server that perhaps has not stopped it yet."""
    worker = plan.worker
    entry: Entry = {
        "name": worker.name,
        "replicas": worker.replicas,
        "exclusive": worker.exclusive,
        "servers": dict(plan.servers),
    }
    return entry | ({"waits_for": plan.waits_for} if plan.waits_for else {})


def _ports(ports: Ports) -> Entry:
    return {"app": ports.app, "internal": ports.internal}


def _database(database: DatabasePlan | None, beside: DatabasePlan | None) -> Entry | None:
    """`port` is 0 of one at the managed service, which Vultr alone knows; `beside` says that it has one there, too."""
    if database is None:
        return None
    return {
        "name": database.name,
        "port": database.port,
        "connection_limit": database.connection_limit,
        "extensions": list(database.extensions),
        **({"login": database.login} if database.login > 1 else {}),
        **({"managed": True} if database.managed else {"beside": True} if beside else {}),
    }


def _redis(cache: CachePlan) -> Entry:
    """Where the cache is, and what the project holds beside it: an index, an instance of its own.

    `managed` says that it is at Vultr's Valkey in that instance's place, `beside` that it is let in there still.
    """
    entry: Entry = {"db_index": cache.index, "instance": cache.redis.name}
    if cache.instance:
        entry["own"] = _instance(cache.instance)
    if cache.dedicated and cache.slot:
        entry["shared"] = _slot(cache.slot)
    return entry | ({"managed": True} if cache.managed else {"beside": True} if cache.users else {})


def _held_redis(held: Holding) -> Entry | None:
    own = {"own": _instance(held.instance)} if held.instance else {}
    if held.instance is None or held.cached_in != names.redis_instance(held.id):
        return {**_slot(held.slot), **own} if held.slot else None
    shared = {"shared": _slot(held.slot)} if held.slot else {}
    return {"db_index": 0, "instance": held.cached_in, **own, **shared}


def _idle_redis(project: ProjectPlan) -> Entry | None:
    """What a project without cache holds on to: its standby or a release that fails may be using it."""
    own = {"own": _instance(project.idle_instance)} if project.idle_instance else {}
    if project.idle_slot:
        return {**_slot(project.idle_slot), **own}
    return {"db_index": 0, "instance": names.redis_instance(project.id), **own} if own else None


def _slot(slot: Slot) -> Entry:
    return {"db_index": slot.index, "instance": slot.name}


def _instance(instance: Instance) -> Entry:
    return {"port": instance.port, "memory": instance.memory, "eviction": instance.eviction}


def _minio(buckets: tuple[BucketPlan, ...], objects: ObjectsPlan | None) -> Entry | None:
    """Names are those on the data server, wherever the buckets are."""
    if not buckets:
        return None
    found = {"bucket": buckets[0].name, "buckets": [_bucket(bucket) for bucket in buckets]}
    return found | _subscription(objects)


def _subscription(objects: ObjectsPlan | None) -> Entry:
    if objects is None:
        return {}
    return {"objects": {"managed": objects.used, "cluster": objects.cluster, "tier": objects.tier}}


def _bucket(bucket: BucketPlan) -> Entry:
    return {
        "name": bucket.name,
        "suffix": bucket.suffix,
        "access": bucket.access,
        "quota": bucket.quota,
        "expire_days": bucket.expire_days,
    }


def _kept(kept: RetainedPlan) -> Entry:
    return {
        "database": _database(kept.database, kept.beside),
        "buckets": [_bucket(bucket) for bucket in kept.buckets],
        **(_subscription(kept.objects) if kept.buckets else {}),
    }
