"""What the output `registry` says of a project's database, cache and buckets."""

from __future__ import annotations

from codeb.outputs.section import Part


class Database(Part):
    """The project's PostgreSQL database, on the server with the role `data` or at Vultr's managed service."""

    name: str
    """Its name, and the name in `DATABASE_URL`."""
    port: int
    """Where PostgreSQL listens; 0 for one at the managed service, whose port `connections` has."""
    connection_limit: int = 20
    """How many connections its role may have; -1 for any number."""
    extensions: tuple[str, ...] = ()
    """Extensions that the platform has made in it."""
    login: int = 1
    """Number of the app's login (`resources.database.rotation`). Absent for the first."""
    managed: bool = False
    """Whether it is at Vultr's managed service (`codeb:managed`). Absent for one on the data server."""
    beside: bool = False
    """Whether it has one at the managed service as well, which its app does not use. Absent where it has none."""


class OwnRedis(Part):
    """A Redis instance that is the project's alone."""

    port: int
    """Where it listens."""
    memory: int
    """Bytes for data."""
    eviction: str
    """Redis's `maxmemory-policy`."""


class RedisIndex(Part):
    """An index of a shared Redis instance."""

    db_index: int
    """What `SELECT` takes."""
    instance: str
    """Name of the instance, such as `redis-0`."""


class Redis(RedisIndex):
    """Where the project's cache is."""

    own: OwnRedis | None = None
    """The instance of its own, where it has one."""
    shared: RedisIndex | None = None
    """What it holds beside that on a shared one."""
    managed: bool = False
    """Whether the cache is at Vultr's Valkey in the place of `instance` (`codeb:managed`). Absent for one that is not."""
    beside: bool = False
    """Whether it is let in there still, as a release may be. Absent where it is not."""


class Bucket(Part):
    """One bucket in MinIO."""

    name: str
    """Its name, unique on the platform."""
    suffix: str
    """What the manifest calls it."""
    access: str = "private"
    """`private` or `public-read`."""
    quota: int | None = None
    """Bytes that fit; null for any number."""
    expire_days: int | None = None
    """Days after which an object is deleted; null for never."""


class Subscription(Part):
    """The project's subscription of Vultr's Object Storage (`codeb:managed.objects`)."""

    managed: bool = False
    """Whether its app has its buckets there. Their names have the stack's mark in front there, as in `connections`."""
    cluster: int
    """Where it is: Vultr's number of the cluster."""
    tier: str
    """What it was made as."""


class Minio(Part):
    """The project's buckets, on the server with the role `data` or at Vultr's Object Storage."""

    bucket: str
    """The first one, which is `MINIO_BUCKET`, but for a stack's mark at Vultr's."""
    buckets: tuple[Bucket, ...] = ()
    """All of them."""
    objects: Subscription | None = None
    """Where else they are. Absent where they are on the data server alone."""
