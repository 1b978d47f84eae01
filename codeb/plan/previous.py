"""Read the registry of the previous run: who holds what.

The document comes back from a stack output, so numbers may be floats; entries of earlier versions lack newer
keys. What can't be understood is an error: allocating past an unreadable entry would hand out what somebody
still holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from codeb import names
from codeb.plan.held import HeldDatabase, HeldObjects, Holding, Serving
from codeb.plan.problems import PlanError, Problem
from codeb.plan.reader import REMEDY, Reader
from codeb.plan.values import (
    DEFAULT_CONNECTION_LIMIT,
    DEFAULT_POOL,
    FIRST_INDEX,
    LAST_INDEX,
    Access,
    BucketPlan,
    Instance,
    Lifecycle,
    Ports,
    Side,
    Slot,
)

VERSION = 1

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_INSTANCE = re.compile(r"redis-(0|[1-9][0-9]{0,2})")


Previous = Mapping[str, Holding]


def read_previous(value: object) -> Previous:
    """The holdings of the previous run by project id; empty on a first run (`value` is None or empty).

    Raises:
        PlanError: the document or an entry can't be understood, or was written by a newer version.
    """
    if value is None or value == {}:
        return {}
    root = Reader("registry", value)
    version = root.number("version", 0, 10**6, default=VERSION)
    if version > VERSION:
        raise PlanError(
            [Problem("registry.version", f"{version} is newer than this program", "Update the program.")]
        )
    holdings: dict[str, Holding] = {}
    problems: list[Problem] = []
    left = root.child("leaving")
    entries = [("leaving", key, entry) for key, entry in (left.value if left else {}).items()]
    entries += [("projects", key, entry) for key, entry in root.mapping("projects").items()]
    for part, key, entry in entries:
        try:
            holdings[str(key)] = _holding(str(key), Reader(f"registry.{part}.{key}", entry))
        except PlanError as error:
            problems.extend(error.problems)
    problems.extend(_doubles(holdings))
    if problems:
        raise PlanError(problems)
    return holdings


def _holding(project_id: str, entry: Reader) -> Holding:
    if not _ID.fullmatch(project_id):
        raise entry.wrong("id", f"{project_id!r} is not a project id")
    kept = entry.child("retained")
    database = entry.child("database") or (kept and kept.child("database")) or None
    lifecycle = entry.text("lifecycle", "retain")
    if lifecycle not in ("retain", "destroy"):
        raise entry.wrong("lifecycle", f"{lifecycle!r} is neither retain nor destroy")
    redis = entry.child("redis") or (kept and kept.child("redis")) or None
    pool, ports = entry.text("pool", DEFAULT_POOL), _ports(entry.child("ports"))
    return Holding(
        id=project_id,
        pool=pool,
        ports=ports,
        slot=_slot(project_id, redis),
        instance=_instance(redis),
        cached_in=_cached_in(entry.child("redis")),
        cached_managed=redis is not None and redis.value.get("managed") is True,
        cached_beside=redis is not None and redis.value.get("beside") is True,
        caches=tuple(entry.texts("caches")) if entry.value.get("caches") is not None else None,
        database=_database(database),
        buckets=_buckets(project_id, entry.child("minio")) + _buckets(project_id, kept),
        objects=_objects(entry.child("minio")) or _objects(kept),
        servers=tuple(entry.texts("servers")),
        lifecycle=cast(Lifecycle, lifecycle),
        retained=entry.text("status", "") == "retained",
        serves=_serves(entry, pool, ports),
        exclusive=_exclusive(entry),
        ceded=frozenset(entry.texts("ceded")),
        leaving=entry.text("status", "") == "leaving",
        entry=cast("Mapping[str, object]", entry.value),
    )


def _exclusive(entry: Reader) -> dict[str, str]:
    """Where each exclusive worker is, or perhaps still is; earlier versions knew none."""
    found = {}
    for worker in entry.children("workers"):
        places = [*worker.mapping("servers"), *filter(None, [worker.value.get("waits_for")])]
        if worker.value.get("exclusive") is True and places:
            found[worker.text("name")] = str(places[0])
    return found


def _serves(entry: Reader, pool: str, ports: Ports | None) -> Serving:
    """What its last release serves; earlier versions say so only of one that is up to date."""
    serves = entry.child("serves")
    if serves is not None:
        found = _ports(serves.child("ports"))
        names_served = frozenset(serves.texts("names"))
        login = serves.number("login", 1, 999, default=1)
        return Serving(names_served, serves.text("pool", DEFAULT_POOL), found, login)
    if entry.text("status", "") not in ("running", "unhealthy", "maintenance"):
        return Serving()
    domain = entry.text("domain", "")
    return Serving(frozenset({domain, *entry.texts("aliases")} - {""}), pool, ports)


def _ports(ports: Reader | None) -> Ports | None:
    if ports is None:
        return None
    pair = Ports(ports.number("app", 1, 65535), ports.number("internal", 1, 65535))
    if pair.app == pair.internal:
        raise ports.wrong("internal", f"{pair.internal} is also the app port")
    return pair


def _slot(project_id: str, redis: Reader | None) -> Slot | None:
    if redis is None:
        return None
    if redis.value.get("instance") == names.redis_instance(project_id):
        return _slot(project_id, redis.child("shared"))
    instance = redis.value.get("instance", "redis-0")
    if isinstance(instance, str):
        match = _INSTANCE.fullmatch(instance)
        if not match:
            raise redis.wrong("instance", f"{instance!r} is not the name of a Redis instance")
        number = int(match[1])
    else:
        number = redis.number("instance", 0, 999)
    return Slot(number, redis.number("db_index", FIRST_INDEX, LAST_INDEX))


def _instance(redis: Reader | None) -> Instance | None:
    """The instance of its own that a project has, whether its cache is there or it only still has it."""
    own = redis.child("own") if redis else None
    if own is None:
        return None
    return Instance(own.number("port", 1, 65535), own.number("memory", 1, 2**53), own.text("eviction"))


def _cached_in(redis: Reader | None) -> str | None:
    instance = redis.value.get("instance", 0) if redis else None
    return names.redis_instance(f"{instance:.0f}") if isinstance(instance, int | float) else instance


def _database(database: Reader | None) -> HeldDatabase | None:
    if database is None:
        return None
    return HeldDatabase(
        database.number("connection_limit", -1, 10**6, default=DEFAULT_CONNECTION_LIMIT),
        tuple(database.texts("extensions")),
        database.number("login", 1, 999, default=1),
        managed=database.value.get("managed") is True,
        beside=database.value.get("beside") is True,
        moved=_side(database, "moved"),
    )


def _side(reader: Reader, key: str) -> Side | None:
    side = reader.text(key, "")
    if side not in ("", "here", "managed"):
        raise reader.wrong(key, f"{side!r} is neither here nor managed")
    return cast(Side, side) if side else None


def _buckets(project_id: str, minio: Reader | None) -> tuple[BucketPlan, ...]:
    if minio is None:
        return ()
    if "buckets" not in minio.value:  # the shape of the requirements has one bucket and no details
        only = minio.text("bucket", "")
        return (BucketPlan(only, only.removeprefix(f"{names.stem(project_id)}-")),) if only else ()
    return tuple(_bucket(bucket) for bucket in minio.children("buckets"))


def _objects(minio: Reader | None) -> HeldObjects | None:
    objects = minio.child("objects") if minio else None
    if objects is None:
        return None
    managed = objects.value.get("managed") is True
    cluster, tier = objects.number("cluster", 1, 9999), objects.text("tier")
    return HeldObjects(managed, cluster, tier, _side(objects, "copied"))


def _bucket(bucket: Reader) -> BucketPlan:
    access = bucket.text("access", "private")
    if access not in ("private", "public-read"):
        raise bucket.wrong("access", f"{access!r} is neither private nor public-read")
    return BucketPlan(
        name=bucket.text("name"),
        suffix=bucket.text("suffix"),
        access=cast(Access, access),
        quota=bucket.optional_number("quota"),
        expire_days=bucket.optional_number("expire_days"),
    )


def _doubles(holdings: Mapping[str, Holding]) -> list[Problem]:
    """Two entries that hold the same thing: the document has been damaged.

    Ports alone may already be another's when their holder is leaving.
    """
    holders: dict[tuple[object, str], str] = {}
    problems = []
    for holding in sorted(holdings.values(), key=lambda holding: holding.id):
        for claim in _claims(holding):
            other = holders.setdefault(claim, holding.id)
            if other != holding.id:
                cause = f"{claim[1]} is also held by {other}"
                problems.append(Problem(f"registry.projects.{holding.id}", cause, REMEDY))
    return problems


def _claims(holding: Holding) -> list[tuple[object, str]]:
    claims: list[tuple[object, str]] = []
    if holding.ports and not holding.leaving:
        claims += [(holding.pool, f"port {port}") for port in holding.ports.both]
    if holding.slot:
        claims.append(("redis", str(holding.slot)))
    if holding.instance:
        claims.append(("redis", f"port {holding.instance.port}"))
    return claims
