"""What a stack has at Vultr: machines, firewall, balancer, records. None of it is known to Vultr yet, so all names are
ours; addresses come later, as markers (`codeb.names`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from codeb.catalogue import catalogue
from codeb.plan.values import Role

REPLACES: Final[Mapping[str, str]] = {
    "pools[].name": "its servers get other names: those come, the old ones go. Refused for the data server's pool",
}
"""The settings whose edit takes away running servers for others, a lower `count` apart, and what becomes of them."""
WAITS: Final[Mapping[str, str]] = {
    "domain": "the servers' host names are those they were made with; everything else follows at once",
    "pools[].os": "a preview names each server that has another system than the settings",
}
"""The settings that running servers don't follow, as Vultr would replace them: mostly until somebody makes the server anew
(`codeb fleet replace`)."""
REFUSED: Final[Mapping[str, str]] = {
    "region": "servers and disks can't move: deploy another stack there, and move the data",
    "vpcSubnet": "all private addresses would change",
    "pools[].reservedIp": "its server's address would change; goes through with `codeb fleet replace`",
    "pools[].dataDisk": "a smaller one, or none: a disk never shrinks, and holds all data. A larger one grows in place",
    "pools[].dataDiskType": "a disk stays what it is, even when its server is made anew",
    "pools[].plan": "one with a smaller disk: make another pool. Of one server it goes through with `codeb fleet replace`",
    "pools[].roles": "`data` to another server, which would be empty. While `protect` is true",
}
"""The settings whose edit is refused while servers run (`components.running.check_fleet`), and why."""
BALANCER: Final = "balancer"
"""The target of a record that points at the balancer."""

IpType = Literal["v4", "v6"]
Transport = Literal["tcp", "udp"]
Protocol = Literal["http", "https", "tcp"]
Tls = Literal["passthrough", "terminate"]
RecordType = Literal["A", "AAAA"]


@dataclass(frozen=True)
class Machine:
    """One instance. `server` is the name of its ServerPlan, `plan` Vultr's id of its size, `memory` in bytes.

    `disk_gb` is the size of its data disk (block storage) and `disk_type` its kind as Vultr calls it, both None without one.
    `reserved_ip`: its public address outlives it.
    """

    server: str
    label: str
    hostname: str
    pool: str
    plan: str
    os_id: int
    roles: tuple[Role, ...]
    memory: int
    disk_gb: int | None = None
    disk_type: str | None = None
    reserved_ip: bool = False


@dataclass(frozen=True)
class FirewallRule:
    """Lets in one port (or range, `8000:8010`) from one network. `key` is the stable part of the resource's name:
    `22-v4` for everybody, `22-203.0.113.0-24` for a network."""

    key: str
    ip_type: IpType
    protocol: Transport
    port: str
    subnet: str
    subnet_size: int


@dataclass(frozen=True)
class ForwardingRule:
    """What comes to the balancer's frontend port goes to the servers' backend port."""

    frontend_protocol: Protocol
    frontend_port: int
    backend_protocol: Protocol
    backend_port: int


@dataclass(frozen=True)
class HealthCheck:
    """How the balancer finds out who is able to serve: seconds, and answers in a row."""

    protocol: Literal["http", "tcp"] = "http"
    port: int = 80
    path: str = "/api/health"
    interval_s: int = 15
    timeout_s: int = 5
    unhealthy: int = 3
    healthy: int = 2


@dataclass(frozen=True)
class Balancer:
    """One load balancer in front of `servers`. With `tls: terminate` it holds the certificate itself."""

    servers: tuple[str, ...]
    tls: Tls
    proxy_protocol: bool
    rules: tuple[ForwardingRule, ...]
    health: HealthCheck = HealthCheck()

    def __post_init__(self) -> None:
        """Raise ValueError for what Vultr's balancers refuse: more than 15 rules, ports that they keep for themselves."""
        known = catalogue()
        if len(self.rules) > known.most_rules:
            raise ValueError(f"{len(self.rules)} forwarding rules, and a balancer takes {known.most_rules}")
        kept = [rule.frontend_port for rule in self.rules if rule.frontend_port in known.reserved_ports]
        if kept:
            raise ValueError(f"port {kept[0]} is the balancer's own")


@dataclass(frozen=True)
class Record:
    """A DNS record of the fleet's zone. `name` is relative to the zone ("" is the zone itself), `key` is unique in the
    stack, `target` a server's name or `BALANCER`; `ttl` in seconds."""

    key: str
    name: str
    type: RecordType
    target: str
    ttl: int


@dataclass(frozen=True)
class SharedStorage:
    """A file system that several servers have mounted at a time."""

    size_gb: int
    servers: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseService:
    """A PostgreSQL that Vultr runs: its plan, its major version, and the certificate (PEM) it is trusted by, "" until it is
    written down."""

    plan: str
    version: str
    ca: str = ""


@dataclass(frozen=True)
class CacheServices:
    """Services of Valkey that Vultr runs: their plan and version, and the numbers of the shared Redis instances in whose
    place they are, in order."""

    plan: str
    version: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class ObjectService:
    """A project's subscription of Vultr's Object Storage: the cluster's number there, and the name of the tier."""

    project: str
    cluster: int
    tier: str


@dataclass(frozen=True)
class Fleet:
    """Everything of a stack at Vultr. `subnet`/`subnet_mask` are the private network's address and bits; `protect` keeps
    what holds data from deletion."""

    region: str
    subnet: str
    subnet_mask: int
    machines: tuple[Machine, ...]
    rules: tuple[FirewallRule, ...]
    balancer: Balancer | None = None
    zone: str | None = None
    records: tuple[Record, ...] = ()
    shared: SharedStorage | None = None
    protect: bool = True
    postgres: DatabaseService | None = None
    valkey: CacheServices | None = None
    objects: tuple[ObjectService, ...] = ()

    def machine(self, server: str) -> Machine:
        """The machine of this server; KeyError when Vultr has none of this name."""
        for machine in self.machines:
            if machine.server == server:
                return machine
        raise KeyError(server)
