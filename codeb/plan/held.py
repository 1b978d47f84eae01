"""What the previous run left: who holds and serves what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codeb import managed_names
from codeb.plan.values import (
    DEFAULT_CONNECTION_LIMIT,
    DEFAULT_POOL,
    BucketPlan,
    Instance,
    Lifecycle,
    Ports,
    Side,
    Slot,
)


@dataclass(frozen=True)
class HeldDatabase:
    """A database as the registry remembers it.

    `managed`: it is at Vultr's managed service; `beside`: it has one there, too, beside the one here. `moved` is where the
    data server says that its data has been moved to, None when it never was.
    """

    connection_limit: int = DEFAULT_CONNECTION_LIMIT
    extensions: tuple[str, ...] = ()
    login: int = 1
    managed: bool = False
    beside: bool = False
    moved: Side | None = None

    @property
    def data_managed(self) -> bool:
        """Whether its data is at the managed service, as the last move has left it."""
        return self.managed if self.moved is None else self.moved == "managed"


@dataclass(frozen=True)
class HeldObjects:
    """A subscription of Object Storage as the registry remembers it; `managed`: the app's buckets are there.

    `copied` is the side to which the data server says that all objects have been copied last, None when it does not say.
    """

    managed: bool
    cluster: int
    tier: str
    copied: Side | None = None


@dataclass(frozen=True)
class Serving:
    """What a project's last release serves: host names, and ports of a pool, with which number of its login at the database.
    Nothing before the first one."""

    names: frozenset[str] = frozenset()
    pool: str = DEFAULT_POOL
    ports: Ports | None = None
    login: int = 1

    @property
    def places(self) -> frozenset[tuple[str, int]]:
        """The ports with their pool."""
        return _places(self.pool, self.ports)


@dataclass(frozen=True)
class Holding:
    """What one project holds since the previous run, whether it still has a manifest or not.

    `exclusive` says on which server each exclusive worker is. `serves` is what its last release that went well has, `ceded`
    the names that it gave up to others. `leaving`: it had no manifest in the previous run already, and may still run all the
    same.
    `cached_in` names the Redis instance that its manifest asked for; `cached_managed`: the cache was at Vultr's Valkey in
    that one's place, `cached_beside`: it was here, and let in there still. `caches` are the places (`address:port`, at the
    service `rediss://address:port`) that its releases on the host use, None when nobody knows. `objects` is
    its subscription of Object Storage.
    """

    id: str
    pool: str = DEFAULT_POOL
    ports: Ports | None = None
    slot: Slot | None = None
    instance: Instance | None = None
    cached_in: str | None = None
    cached_managed: bool = False
    cached_beside: bool = False
    caches: tuple[str, ...] | None = None
    database: HeldDatabase | None = None
    buckets: tuple[BucketPlan, ...] = ()
    objects: HeldObjects | None = None
    servers: tuple[str, ...] = ()
    lifecycle: Lifecycle = "retain"
    retained: bool = False
    serves: Serving = Serving()
    exclusive: Mapping[str, str] = field(default_factory=dict)
    ceded: frozenset[str] = frozenset()
    leaving: bool = False
    entry: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def cached_at(self) -> str | None:
        """The instance or service that its cache was in, by name; None for none."""
        return (
            managed_names.valkey(self.slot.instance) if self.cached_managed and self.slot else self.cached_in
        )

    @property
    def places(self) -> frozenset[tuple[str, int]]:
        """The ports that it was given, with their pool."""
        return _places(self.pool, self.ports)

    @property
    def stays(self) -> bool:
        """Whether it keeps data, names, ports and index without a manifest."""
        return self.lifecycle == "retain" and bool(self.database or self.buckets)


def _places(pool: str, ports: Ports | None) -> frozenset[tuple[str, int]]:
    return frozenset((pool, port) for port in (ports.both if ports else ()))
