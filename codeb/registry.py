"""The registry: what the stack runs and holds, as a versioned document in the stack's outputs.

Pulumi state is the registry; the next run reads it back (`read_previous`). Nothing in it is secret. An
entry has the required keys `id, name, status, created_at, ports{app,internal}, database{name,port},
redis{db_index,instance}, minio{bucket}, domain, container_id, health{status,last_check}`, and what the next
run needs to keep things as they are. `status` is `planned` before the first release, `running` after one
(`unhealthy`, or `maintenance` while visitors get its page), and `retained` once the project has left. `release` says
which release serves and why: `{id, image, digest, at, by, why}`. `serves` says which names and ports that release has,
which is not what the manifest asks for while a release of it fails, `ceded` which names it gave up to others.

Beside `projects` stand those that are `leaving`: without manifest and data to keep, but perhaps not stopped yet. What
they hold is given to nobody until their servers say that they are gone.

What runs is known from up to three places: the answer that Pulumi keeps of its last release command, the registry
of the last run, and what the hosts say now. The latest one that says something new counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from codeb import names
from codeb.plan import (
    BucketPlan,
    CachePlan,
    DatabasePlan,
    Holding,
    Instance,
    Plan,
    Ports,
    ProjectPlan,
    RetainedPlan,
    Slot,
    read_previous,
)

VERSION: Final = 1

Entry = dict[str, Any]

RUNNING: Final = frozenset({"running", "unhealthy", "maintenance"})
"""What `status` is while a release serves."""
_OBSERVED: Final = (
    "status", "created_at", "container_id", "health", "active", "digest", "image", "release", "maintenance", "serves",
    "caches",
)  # fmt: skip

__all__ = [
    "RUNNING",
    "VERSION",
    "Entry",
    "carried",
    "document",
    "entries_of",
    "latest",
    "planned_entries",
    "planned_entry",
    "read_previous",
    "warnings",
    "with_release",
]


def document(entries: Mapping[str, Entry], leaving: Iterable[Holding] = ()) -> dict[str, Any]:
    """The whole registry, entries in order of project id."""
    left = {held.id: {**held.entry, "status": "leaving"} for held in leaving}
    found: dict[str, Any] = {
        "version": VERSION,
        "projects": {key: entries[key] for key in sorted(entries)},
    }
    return found | ({"leaving": left} if left else {})


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
        "database": _database(project.database),
        "redis": _redis(project.cache) if project.cache else None,
        "minio": _minio(project.buckets),
        "domain": project.domain,
        "aliases": list(project.aliases),
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
        "caches": None,
        "maintenance": project.manifest.features.maintenance is not None,
        "warnings": [],
        "lifecycle": project.lifecycle,
    }
    idle = _idle_redis(project)
    rest = (_kept(kept) if kept else {}) | ({"redis": idle} if idle else {})
    return entry | {"retained": rest} if rest else entry


def with_release(entry: Entry, answer: Mapping[str, Any], *others: Mapping[str, Any]) -> Entry:
    """The entry with what the first server answered to the release (`created_at`, colour, digest, container, health), and
    what that and the `others` warn of.

    Raises:
        ValueError: the answer is about another project.
    """
    if answer.get("project") != entry["id"]:
        raise ValueError(f"the answer for {entry['id']} is about {answer.get('project')!r}")
    health = answer.get("health") or {}
    return entry | {
        "status": _status(health.get("status"), entry.get("maintenance")),
        "created_at": answer.get("created_at"),
        "container_id": answer.get("container_id"),
        "health": {"status": health.get("status", "unknown"), "last_check": health.get("last_check")},
        "active": answer.get("active"),
        "digest": answer.get("digest"),
        "image": answer.get("image", entry.get("image")),
        "release": answer.get("release"),
        "serves": _serves(entry),
        "caches": answer.get("caches"),
        "warnings": warnings([answer, *others]),
    }


def warnings(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """What agents warn of in their answers, each warning once."""
    return list(dict.fromkeys(str(warning) for answer in answers for warning in answer.get("warnings") or ()))


def latest(entry: Entry, before: Mapping[str, Any] | None, live: Mapping[str, Any] | None) -> Entry:
    """The entry with what was seen of the project later than it says, where that is something else.

    Args:
        entry: with the answer to Pulumi's release command, or planned only.
        before: the project's entry of the previous run.
        live: what its host says now (`codeb.live`), None when it was not asked or did not answer.

    A live status that differs in its time alone changes nothing: a run that changes nothing shows no change.
    """
    remembered, seen = _remembered(before), _seen(live)
    if remembered and _checked(remembered) > _checked(entry):
        entry = entry | remembered
    if seen and _checked(seen) > _checked(entry) and _content(seen) != _content(entry):
        entry = entry | seen
    return entry


def _checked(entry: Mapping[str, Any]) -> str:
    """When the entry's health was last looked at, as text that sorts; "" for never."""
    return str((entry.get("health") or {}).get("last_check") or "")


def _remembered(before: Mapping[str, Any] | None) -> Entry | None:
    """The observed part of an entry of the previous run."""
    if before is None or before.get("status") not in RUNNING:
        return None
    found = {key: before[key] for key in _OBSERVED if key in before}
    if found.get("serves") is None:  # as earlier versions left it
        found["serves"] = _serves(before)
    return found


def _serves(entry: Mapping[str, Any]) -> Entry:
    """What a release serves that is as the entry says."""
    found = [name for name in (entry.get("domain"), *(entry.get("aliases") or ())) if name]
    return {"names": found, "pool": entry.get("pool"), "ports": entry.get("ports")}


def _seen(live: Mapping[str, Any] | None) -> Entry | None:
    """The observed part of an entry as a host's agent says it now."""
    if live is None or not live.get("release") or not live.get("checked_at"):
        return None
    return {
        "status": _status(live.get("status"), live.get("maintenance")),
        "created_at": live.get("created_at"),
        "container_id": live.get("container_id"),
        "health": {"status": live.get("status", "unknown"), "last_check": live["checked_at"]},
        "active": live.get("active"),
        "digest": live.get("digest"),
        "image": live.get("image"),
        "release": dict(live["release"]),
        "caches": live.get("caches"),
        "maintenance": bool(live.get("maintenance")),
    }


def _content(observed: Mapping[str, Any]) -> Entry:
    """All that a host says of an observation, but its time."""
    health = observed.get("health") or {}
    said = {key: observed.get(key) for key in _OBSERVED if key not in ("health", "serves")}
    return said | {"health": health.get("status")}


def _status(health: object, maintenance: object) -> str:
    if health != "healthy":
        return "unhealthy"
    return "maintenance" if maintenance else "running"


def carried(
    entries: Mapping[str, Entry], previous: object, live: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Entry]:
    """`entries` with the latest that is known of each project's release, from the previous registry and its host.

    A run registers this before it touches anything: if it fails half-way, what it allocated is remembered all
    the same, and so is what still runs.
    """
    before = entries_of(previous)
    return {
        key: entry if entry["status"] == "retained" else latest(entry, before.get(key), (live or {}).get(key))
        for key, entry in entries.items()
    }


def entries_of(
    registry: object, part: Literal["projects", "leaving"] = "projects"
) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a registry by project id; none before the first run."""
    found = registry.get(part, {}) if isinstance(registry, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


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
        "database": _database(retained.database),
        "redis": _held_redis(held),
        "minio": _minio(retained.buckets),
        "domain": before.get("domain"),
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


def _ports(ports: Ports) -> Entry:
    return {"app": ports.app, "internal": ports.internal}


def _database(database: DatabasePlan | None) -> Entry | None:
    if database is None:
        return None
    return {
        "name": database.name,
        "port": database.port,
        "connection_limit": database.connection_limit,
        "extensions": list(database.extensions),
    }


def _redis(cache: CachePlan) -> Entry:
    """Where the cache is, and what the project holds beside it: an index, an instance of its own."""
    entry: Entry = {"db_index": cache.index, "instance": cache.redis.name}
    if cache.instance:
        entry["own"] = _instance(cache.instance)
    if cache.dedicated and cache.slot:
        entry["shared"] = _slot(cache.slot)
    return entry


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


def _minio(buckets: tuple[BucketPlan, ...]) -> Entry | None:
    if not buckets:
        return None
    return {"bucket": buckets[0].name, "buckets": [_bucket(bucket) for bucket in buckets]}


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
        "database": _database(kept.database),
        "buckets": [_bucket(bucket) for bucket in kept.buckets],
    }
