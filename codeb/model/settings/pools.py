"""`codeb:pools`: servers of one kind, made at Vultr or existing already, and the balancer in front of them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from codeb import names
from codeb.catalogue import DiskKind, System, catalogue
from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.settings.autoscale import MOST_SERVERS, Autoscale
from codeb.model.settings.base import LaxBool, Number, OffWhenEmpty, Provider, ServerRole, Setting

_GIB: Final = 1 << 30


def _system(value: object) -> object:
    """The `os_id` of a number, a number as text, or a name."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return value
    known = catalogue()
    found = known.find_system(str(value))
    if found is None:
        raise refusal(
            f"{shown(value)} is no operating system that is known here", _write(known.fit_systems())
        )
    if found.fault is not None:
        raise refusal(f"{found} {found.fault}", _write(known.fit_systems()))
    return found.id


def _write(systems: tuple[System, ...]) -> str:
    return f"Write {' or '.join(map(str, systems[:2]))}."


class Pool(Setting):
    """Servers of one kind. Those at Vultr are named `<stem>-<n>`: `app-1`, `app-2` for the pool `default`."""

    name: t.PoolName
    """Name that manifests write in servers.pool; the servers' names start with it (app for the pool default)."""
    provider: Provider | None = None
    """Where its servers come from; codeb:provider when left out. Existing ones are those of codeb:servers with this pool."""
    roles: Annotated[t.Items[ServerRole], Field(min_length=1)] | None = None
    """What the servers do: app runs projects, data holds PostgreSQL, Redis and MinIO, edge runs Caddy."""
    count: Annotated[Number, Field(ge=1, le=MOST_SERVERS)] | None = None
    """Number of servers; 1 when left out. With autoscale what it starts with, autoscale's min when left out."""
    autoscale: OffWhenEmpty[Autoscale] = None
    """The number of servers follows their load; none when left out."""
    plan: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    """Vultr's plan, for example vc2-6c-16gb."""
    os: Annotated[int, BeforeValidator(_system)] | None = None
    """Operating system, by Vultr's number or name; Debian 13 when left out."""
    data_disk: t.DiskSize | None = None
    """Size of a disk of its own for the data, for example 200Gi; it outlives the server. For the role data only."""
    data_disk_type: DiskKind | None = None
    """hdd, or the faster nvme where the region has it; hdd when left out."""
    reserved_ip: LaxBool = False
    """Whether the server's public address outlives it. For pools of one server only."""

    @property
    def size(self) -> int:
        """How many servers it has: by `count`, which a decision of the autoscaler may have taken the place of."""
        return self.count or (self.autoscale.min if self.autoscale else 1)

    @property
    def most(self) -> int:
        """How many servers it may come to have."""
        return self.autoscale.max if self.autoscale else self.size

    @property
    def stem(self) -> str:
        """What the names of its servers start with."""
        return names.server_stem(self.name)

    @property
    def disk_kind(self) -> DiskKind | None:
        """The kind of its data disk, None without one."""
        return (self.data_disk_type or "hdd") if self.data_disk else None

    @property
    def disk_gb(self) -> int | None:
        """The size of its data disk as Vultr counts, None without one."""
        return self.data_disk // _GIB if self.data_disk else None


class Balancer(Setting):
    """The load balancer in front of the edge servers at Vultr."""

    enabled: LaxBool | None = None
    """Whether there is one; when left out, as soon as two servers at Vultr have the role edge."""
    tls: Literal["passthrough", "terminate"] = "passthrough"
    """Who ends TLS: Caddy on the servers (passthrough), or the balancer with the secret balancerCertificate (terminate)."""
