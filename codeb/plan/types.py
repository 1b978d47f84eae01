"""The plan: what a stack is to be, as frozen values. Nothing here is secret and nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from codeb import managed_names, names
from codeb.model import Alias, Manifest, Settings, size_text
from codeb.plan.costs import Costs
from codeb.plan.fleet import Fleet
from codeb.plan.held import Holding
from codeb.plan.kept import Kept
from codeb.plan.values import BucketPlan, Instance, Lifecycle, Ports, Role, Slot
from codeb.plan.workers import WorkerPlan


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

    `slot` and `instance` are all that it holds, also what its present releases may not use. One that is `managed` is at
    Vultr's Valkey in the place of its instance: its host is a marker, and `service_port` 0, until Vultr has told. `users`
    are the numbers of the passwords by which it is let in there, which it is for a while when its cache is here again.
    """

    redis: RedisPlan
    index: int
    host: str
    user: str
    slot: Slot | None = None
    instance: Instance | None = None
    managed: bool = False
    service_port: int = 0
    users: tuple[int, ...] = ()

    @property
    def dedicated(self) -> bool:
        """Whether the whole instance is the project's."""
        return self.redis.owner is not None

    @property
    def port(self) -> int:
        """Where the instance listens; 0 where nobody but Vultr knows yet."""
        return self.service_port if self.managed else self.redis.port

    @property
    def service(self) -> int | None:
        """The number of the service that lets it in; None for none."""
        return self.slot.instance if self.slot and self.users else None

    @property
    def name(self) -> str:
        """What the instance is called: `redis-0`, or `valkey-0` of the service in its place."""
        return managed_names.valkey(self.slot.instance) if self.managed and self.slot else self.redis.name

    def __str__(self) -> str:
        if not self.dedicated:
            return f"{self.name} index {self.index}"
        return f"{self.redis.name} ({size_text(self.redis.memory)}, {self.redis.eviction})"


@dataclass(frozen=True)
class DatabasePlan:
    """A project's database and the role that owns it. `login` is the number of the app's, `logins` all that may.

    `connection_limit` is the role's: what the manifest gives each server, for all servers that run the project.
    One that is `managed` is at Vultr's managed service, whose host is a marker, and whose port is 0, until Vultr has told.
    """

    name: str
    role: str
    host: str
    port: int
    connection_limit: int
    extensions: tuple[str, ...] = ()
    login: int = 1
    logins: tuple[int, ...] = (1,)
    managed: bool = False

    @property
    def place(self) -> str:
        """Where it answers, as URLs have it: host and port."""
        return f"{self.host}:{self.port or managed_names.PORT}"


@dataclass(frozen=True)
class ObjectsPlan:
    """A project's subscription of Vultr's Object Storage. `used`: its app's buckets are there, else those on the data server
    are. Its host and the mark in front of its buckets' names are markers until they are known."""

    used: bool
    host: str
    cluster: int
    tier: str
    mark: str = managed_names.BUCKET_MARK

    @property
    def url(self) -> str:
        """The S3 interface, for apps and for browsers."""
        return f"https://{self.host}"


@dataclass(frozen=True)
class ServerPlan:
    """One machine of the stack and what it does.

    Addresses of a server at Vultr are markers (`codeb.names.address_marker`) until Vultr has answered. `memory` in bytes is
    None where nobody knows.
    """

    name: str
    address: str
    private_address: str
    ssh_port: int
    user: str
    roles: tuple[Role, ...]
    pool: str
    memory: int | None = None

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

    @cached_property
    def by_key(self) -> Mapping[str, RedisPlan]:
        """The Redis instances by key."""
        return {redis.key: redis for redis in self.redis}

    @property
    def minio_url(self) -> str:
        """The S3 interface as apps reach it inside the stack."""
        return f"http://{self.host}:{self.minio_port}"


@dataclass(frozen=True)
class ProjectPlan:
    """One project that runs. `servers` are the names of the servers its containers run on.

    `ceded` are names that were its own and are others' now; `after` is the project whose release has to end before.
    `idle_slot` and `idle_instance` are what it held for a cache that its manifest has no more. `beside` is its database on
    the other side, the data server's or the managed service's, which its app does not use. `objects` is where it has its
    buckets beside or instead of those on the data server.
    """

    manifest: Manifest
    id: str
    domain: str
    aliases: tuple[Alias, ...]
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
    workers: tuple[WorkerPlan, ...] = ()
    beside: DatabasePlan | None = None
    objects: ObjectsPlan | None = None

    @property
    def own_buckets(self) -> tuple[BucketPlan, ...]:
        """Its buckets where its app has them on the data server: what our own backups have."""
        return () if self.objects and self.objects.used else self.buckets

    @property
    def own_database(self) -> DatabasePlan | None:
        """Its database where that is on the data server: what our own backups have."""
        return self.database if self.database and not self.database.managed else None

    @property
    def url(self) -> str:
        """Where people open the app."""
        return f"https://{self.domain}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """All host names that visitors come by, the domain first."""
        return (self.domain, *(alias.host for alias in self.aliases))

    @property
    def lifecycle(self) -> Lifecycle:
        """Whether data outlives the manifest."""
        return self.manifest.project.lifecycle

    @property
    def dropped(self) -> bool:
        """Whether what it leaves behind is backed up a last time and dropped; a preview environment leaves nothing."""
        preview = names.previewed(self.id) is not None and not self.manifest.backup.enabled
        return self.lifecycle == "destroy" and not preview


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
    beside: DatabasePlan | None = None
    objects: ObjectsPlan | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that a run is to bring about.

    `leaving` have no manifest and keep no data, but may run until this run has ended: what they hold is not free yet.
    `notes` say in words what leaves, what is kept and what is deleted, and which images have tags that move. `fleet` is what
    the stack has at Vultr, None when all its servers exist already. `kept` is what runs beyond the manifests of the folder.
    """

    settings: Settings = field(repr=False)
    servers: tuple[ServerPlan, ...]
    data: DataServicesPlan
    projects: tuple[ProjectPlan, ...]
    retained: tuple[RetainedPlan, ...]
    leaving: tuple[Holding, ...]
    notes: tuple[str, ...]
    fleet: Fleet | None = None
    costs: Costs = field(default_factory=Costs)
    kept: Kept = field(default_factory=Kept)

    def server(self, name: str) -> ServerPlan:
        """The server of this name; KeyError when the stack has none."""
        return next(server for server in self.servers if server.name == name)

    def project(self, project_id: str) -> ProjectPlan:
        """The running project of this id; KeyError when there is none."""
        return self._by_id[project_id]

    @cached_property
    def _by_id(self) -> Mapping[str, ProjectPlan]:
        """Looked up once for each project, and there may be a thousand."""
        return {project.id: project for project in self.projects}

    def projects_on(self, server: str) -> tuple[ProjectPlan, ...]:
        """The projects whose containers run on this server."""
        return tuple(project for project in self.projects if server in project.servers)
