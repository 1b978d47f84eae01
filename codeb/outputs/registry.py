"""The outputs `registry`, `projects` and `allocations`: what runs and what is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from codeb.outputs.held import Bucket, Database, Minio, Redis, Subscription
from codeb.outputs.section import Part


class PortPair(Part):
    """The two ports on the project's servers, of which a release listens at one."""

    app: int
    """Of the blue colour."""
    internal: int
    """Of the green colour."""


class Health(Part):
    """What the project's health check said."""

    status: str
    """`healthy`, `unhealthy`, `unknown` (not asked yet) or `stopped`."""
    last_check: str | None = None
    """When, as ISO time in UTC."""


class Release(Part):
    """The release that serves."""

    id: str
    """`r12`: numbered by project and server."""
    image: str | None = None
    """As the manifest wrote it then."""
    digest: str | None = None
    """What the image was found to be."""
    at: str | None = None
    """Since when it serves."""
    by: str | None = None
    """Who released it, as user@address."""
    why: str | None = None
    """`released`, or why else it serves."""


class Serves(Part):
    """Names and ports of the release that serves, which are not the manifest's while its release fails."""

    names: tuple[str, ...] = ()
    """Domain and aliases."""
    pool: str | None = None
    """Of servers."""
    ports: PortPair | None = None
    """Its ports."""
    login: int = 1
    """Number of the login that it has at the database. Absent for the first."""


class Backup(Part):
    """What is known of the backups of the project's database, as its data server said when the stack was last updated."""

    last: str | None = None
    """Of which moment the newest good backup is, as ISO time in UTC; null for none yet."""
    proven: str | None = None
    """When a backup was last restored and compared, as ISO time in UTC; null for never."""
    point_in_time_from: str | None = None
    """The first moment to which the database can be restored; null where single backups are all there is."""
    size: int | None = None
    """Bytes of the newest backup, as it is stored."""
    late: bool = False
    """Whether a backup should have been made long ago."""
    problem: str = ""
    """What is wrong, in words; empty for nothing."""


class Kept(Part):
    """What the platform keeps of a project that its manifest has no more."""

    database: Database | None = None
    """The database, with all data."""
    buckets: tuple[Bucket, ...] = ()
    """Buckets, with all objects."""
    objects: Subscription | None = None
    """Where else those buckets are."""
    redis: Redis | None = None
    """Cache that its present releases may still use."""


class Worker(Part):
    """Processes of a project without HTTP."""

    name: str
    """Unique in the project."""
    replicas: int
    """How many there are in all."""
    exclusive: bool = False
    """Whether there never are two at once."""
    servers: Mapping[str, int] = Field(default_factory=dict)
    """How many run where, by server; empty while it waits for another server that stops it."""
    waits_for: str | None = None
    """That server."""


class Entry(Part):
    """One project in the registry."""

    id: str
    """The manifest's `project.id`, which names the entry too and never changes."""
    name: str
    """For people."""
    status: str
    """`running`, `unhealthy` and `maintenance` (visitors get its page) have a release that serves; `planned` has none yet,
    `retained` is a project without manifest whose data is kept, `leaving` one that goes. Others may come: take a value that
    you don't know as not serving."""
    created_at: str | None = None
    """When the release that serves was made, as ISO time in UTC."""
    ports: PortPair | None = None
    """What it holds; null for none."""
    database: Database | None = None
    """Null where the manifest asks for none."""
    redis: Redis | None = None
    """Null where the manifest asks for none."""
    minio: Minio | None = None
    """Null where the manifest asks for none."""
    domain: str | None = None
    """Where people open it: `https://<domain>`."""
    aliases: tuple[str, ...] = ()
    """Further names of it."""
    ceded: tuple[str, ...] = ()
    """Names that were its own and are another project's now."""
    serves: Serves | None = None
    """What its release has; null before the first one."""
    container_id: str | None = None
    """Podman's, on the first server."""
    health: Health
    """As it was when the stack was last updated; `codeb status` asks the servers."""
    pool: str = "default"
    """Of servers."""
    servers: tuple[str, ...] = ()
    """Names of the servers that run it, keys of the output `servers`."""
    active: str | None = None
    """The colour that serves: `blue` or `green`."""
    image: str | None = None
    """As the manifest writes it."""
    digest: str | None = None
    """What the image was found to be."""
    release: Release | None = None
    """The release that serves; null before the first one."""
    workers: tuple[Worker, ...] = ()
    """As the manifest asks for them."""
    caches: tuple[str, ...] | None = None
    """Addresses of the Redis instances that its releases use, `rediss://` before Vultr's; null where an older agent did not
    say."""
    maintenance: bool = False
    """Whether visitors get its maintenance page."""
    warnings: tuple[str, ...] = ()
    """What the servers warned of at the last release."""
    lifecycle: str = "retain"
    """`retain`: data outlives the manifest; `destroy`: it goes with it."""
    backup: Backup | None = None
    """Its backups; absent before the first update with them, and for a project that has none."""
    retained: Kept | None = None
    """What is kept although the manifest has it no more."""


class Pin(Part):
    """An image that was deployed in place of the one that the manifest names."""

    image: str
    """By its digest: what runs."""
    instead_of: str
    """What the manifest named then. When it names another one, that is what runs."""


class Preview(Part):
    """The preview environment of a pull request: a project of its own, made from its project's manifest."""

    project: str
    """The project that the pull request is of."""
    pull: int
    """The pull request's number."""
    image: str
    """By its digest."""
    until: str
    """When it may be closed, as ISO time in UTC. Somebody has to: it is open as long as it is here."""


class TriedCount(Part):
    """A step to another number of servers that did not come to its end."""

    count: int
    """The number that was to be."""
    at: str
    """When it was begun, as ISO time in UTC."""
    reason: str
    """Why, in words."""


class PoolCount(Part):
    """How many servers a pool has in place of what the settings start it with."""

    count: int
    """The number that counts, whoever updates the stack."""
    start: int
    """What the settings said when it was decided. When they say another number, that is what counts."""
    since: str | None = None
    """When it was decided, as ISO time in UTC. Absent where a step was tried only."""
    reason: str = ""
    """Why, in words."""
    tried: TriedCount | None = None
    """The last step, where it failed; the next one that succeeds takes it away."""


class Registry(Part):
    """What the stack runs and holds. Nothing in it is secret."""

    version: Literal[1] = 1
    """As in `versions`."""
    projects: dict[str, Entry]
    """By project id; those too whose manifest is gone and whose data is kept."""
    leaving: Mapping[str, dict[str, Any]] = Field(default_factory=dict)
    """Projects without manifest and data that perhaps have not stopped everywhere yet. For the program itself."""
    images: Mapping[str, Pin] = Field(default_factory=dict)
    """Deployed images by project; a project without one runs its manifest's. Absent where there are none."""
    previews: Mapping[str, Preview] = Field(default_factory=dict)
    """Preview environments that are open, by the id that they have in `projects`. Absent where there are none."""
    pools: Mapping[str, PoolCount] = Field(default_factory=dict)
    """Numbers of servers that were decided, by pool with `autoscale`. Absent where there are none."""


class ProjectAddress(Part):
    """One project that has a manifest."""

    url: str
    """Where people open it."""
    health: str
    """`registry.projects.<id>.health.status`."""


class Allocation(Part):
    """What the manifest of one project gets, as previews show it."""

    domain: str
    """Its name."""
    ports: PortPair
    """Its ports."""
    redis: str | None = None
    """In words, such as `redis-0 index 2`; not to be taken apart."""
    database: str | None = None
    """Name of the database."""
    buckets: tuple[str, ...] = ()
    """Names of the buckets."""
    servers: tuple[str, ...] = ()
    """Names of the servers that run it."""
