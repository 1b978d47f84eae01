"""Small values that plans and holdings are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from codeb import names

Access = Literal["private", "public-read"]
Lifecycle = Literal["retain", "destroy"]
Side = Literal["here", "managed"]
"""Where a database is: on the data server, or at Vultr's managed service."""
Role = Literal["app", "data", "edge", "monitoring"]

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
class BucketPlan:
    """A bucket; `quota` in bytes and `expire_days` are None when there is no limit.

    `versions_days`: how long what was overwritten or deleted stays; None for a bucket that isn't backed up.
    """

    name: str
    suffix: str
    access: Access = "private"
    quota: int | None = None
    expire_days: int | None = None
    versions_days: int | None = None
