"""The plan: what a stack is to be, as frozen values. Nothing here is secret and nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from codeb import names
from codeb.model import Manifest, Settings, size_text

Access = Literal["private", "public-read"]
Lifecycle = Literal["retain", "destroy"]
Role = Literal["app", "data", "edge"]

FIRST_INDEX: Final = 2  # of a Redis instance: index 0 is the system's cache, 1 the shared one
LAST_INDEX: Final = 15

DEFAULT_POOL: Final = "default"
DEFAULT_CONNECTION_LIMIT: Final = 20


@dataclass(frozen=True, order=True)
class Ports:
    """A project's two host ports: blue publishes `app`, green publishes `internal`."""

    app: int
    internal: int

    def of(self, colour: names.Colour) -> int:
        """The port that this colour publishes."""
        return self.app if colour == "blue" else self.internal

    @property
    def both(self) -> tuple[int, int]:
        """The two port numbers."""
        return self.app, self.internal

    def __str__(self) -> str:
        return f"{self.app}/{self.internal}"


@dataclass(frozen=True, order=True)
class Slot:
    """One index (2 to 15) of one Redis instance (0, 1, …)."""

    instance: int
    index: int

    def __str__(self) -> str:
        return f"{self.name} index {self.index}"

    @property
    def name(self) -> str:
        """The instance's name: `redis-0`."""
        return names.redis_instance(str(self.instance))


@dataclass(frozen=True)
class Instance:
    """A Redis instance of one project's own, as it is handed out: its port, and its limit in bytes."""

    port: int
    memory: int
    eviction: str


@dataclass(frozen=True)
class RedisPlan:
    """One Redis instance; `port` is the one published on the data server, `memory` in bytes is for data.

    `key` is a shared one's number or the id of the project (`owner`) that it belongs to.
    """

    key: str
    port: int
    memory: int
    eviction: str
    owner: str | None = None

    @property
    def name(self) -> str:
        """Container, service and volume stem: `redis-0`."""
        return names.redis_instance(self.key)

    @property
    def admin_purpose(self) -> str:
        """What the password of its administrator is derived for (`codeb.secrets`)."""
        return f"project/{self.owner}/redis" if self.owner else f"redis/{self.key}/admin"


@dataclass(frozen=True)
class CachePlan:
    """Where a project finds its cache: an index of a shared instance, or index 0 of its own.

    `slot` and `instance` are all that it holds, also what its present releases may not use.
    """

    redis: RedisPlan
    index: int
    host: str
    user: str
    slot: Slot | None = None
    instance: Instance | None = None

    @property
    def dedicated(self) -> bool:
        """Whether the whole instance is the project's."""
        return self.redis.owner is not None

    @property
    def port(self) -> int:
        """Where the instance listens."""
        return self.redis.port

    def __str__(self) -> str:
        if not self.dedicated:
            return f"{self.redis.name} index {self.index}"
        return f"{self.redis.name} ({size_text(self.redis.memory)}, {self.redis.eviction})"


@dataclass(frozen=True)
class DatabasePlan:
    """A project's database and the role that owns it."""

    name: str
    role: str
    host: str
    port: int
    connection_limit: int
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class BucketPlan:
    """A bucket; `quota` in bytes and `expire_days` are None when there is no limit."""

    name: str
    suffix: str
    access: Access = "private"
    quota: int | None = None
    expire_days: int | None = None


@dataclass(frozen=True)
class HeldDatabase:
    """A database as the registry remembers it."""

    connection_limit: int = DEFAULT_CONNECTION_LIMIT
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serving:
    """What a project's last release serves: host names, and ports of a pool. Nothing before the first one."""

    names: frozenset[str] = frozenset()
    pool: str = DEFAULT_POOL
    ports: Ports | None = None

    @property
    def places(self) -> frozenset[tuple[str, int]]:
        """The ports with their pool."""
        return _places(self.pool, self.ports)


@dataclass(frozen=True)
class Holding:
    """What one project holds since the previous run, whether it still has a manifest or not.

    `serves` is what its last release that went well has, `ceded` the names that it gave up to others. `leaving`: it had
    no manifest in the previous run already, and may still run all the same.
    `cached_in` names the Redis instance that its manifest asked for; `caches` are the places (`address:port`) that its
    releases on the host use, None when nobody knows.
    """

    id: str
    pool: str = DEFAULT_POOL
    ports: Ports | None = None
    slot: Slot | None = None
    instance: Instance | None = None
    cached_in: str | None = None
    caches: tuple[str, ...] | None = None
    database: HeldDatabase | None = None
    buckets: tuple[BucketPlan, ...] = ()
    servers: tuple[str, ...] = ()
    lifecycle: Lifecycle = "retain"
    retained: bool = False
    serves: Serving = Serving()
    ceded: frozenset[str] = frozenset()
    leaving: bool = False
    entry: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

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


@dataclass(frozen=True)
class ServerPlan:
    """One machine of the stack and what it does."""

    name: str
    address: str
    private_address: str
    ssh_port: int
    user: str
    roles: tuple[Role, ...]
    pool: str

    def has(self, role: Role) -> bool:
        """Whether the server plays this role."""
        return role in self.roles


@dataclass(frozen=True)
class DataServicesPlan:
    """The data services and where apps reach them: the private address of the server with role `data`."""

    server: str
    host: str
    postgres_port: int
    minio_port: int
    minio_console_port: int
    redis: tuple[RedisPlan, ...]

    @property
    def minio_url(self) -> str:
        """The S3 interface as apps reach it inside the stack."""
        return f"http://{self.host}:{self.minio_port}"


@dataclass(frozen=True)
class ProjectPlan:
    """One project that runs. `servers` are the names of the servers its containers run on.

    `ceded` are names that were its own and are others' now; `after` is the project whose release has to end before.
    `idle_slot` and `idle_instance` are what it held for a cache that its manifest has no more.
    """

    manifest: Manifest
    id: str
    domain: str
    aliases: tuple[str, ...]
    pool: str
    ports: Ports
    servers: tuple[str, ...]
    user: str
    database: DatabasePlan | None
    cache: CachePlan | None
    buckets: tuple[BucketPlan, ...]
    ceded: tuple[str, ...] = ()
    after: str | None = None
    idle_slot: Slot | None = None
    idle_instance: Instance | None = None

    @property
    def url(self) -> str:
        """Where people open the app."""
        return f"https://{self.domain}"

    @property
    def lifecycle(self) -> Lifecycle:
        """Whether data outlives the manifest."""
        return self.manifest.project.lifecycle


@dataclass(frozen=True)
class RetainedPlan:
    """Data that no manifest asks for any more and that is kept.

    Either the whole project has left (`held` is what it holds on to), or the project runs on without this
    database or these buckets (`held` is None). Resources are declared under the same names
    as before, so nothing is replaced and nothing is dropped.
    """

    id: str
    user: str
    lifecycle: Lifecycle
    database: DatabasePlan | None
    buckets: tuple[BucketPlan, ...]
    held: Holding | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a run is to bring about.

    `leaving` have no manifest and keep no data, but may run until this run has ended: what they hold is not free yet.
    `notes` say in words what leaves, what is kept and what is deleted, and which images have tags that move.
    """

    settings: Settings = field(repr=False)
    servers: tuple[ServerPlan, ...]
    data: DataServicesPlan
    projects: tuple[ProjectPlan, ...]
    retained: tuple[RetainedPlan, ...]
    leaving: tuple[Holding, ...]
    notes: tuple[str, ...]

    def server(self, name: str) -> ServerPlan:
        """The server of this name; KeyError when the stack has none."""
        return next(server for server in self.servers if server.name == name)

    def project(self, project_id: str) -> ProjectPlan:
        """The running project of this id; KeyError when there is none."""
        for project in self.projects:
            if project.id == project_id:
                return project
        raise KeyError(project_id)

    def projects_on(self, server: str) -> tuple[ProjectPlan, ...]:
        """The projects whose containers run on this server."""
        return tuple(project for project in self.projects if server in project.servers)
