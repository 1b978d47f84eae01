"""What a simulated account does to machines: one port. `lab.vultr.nowhere` is where nothing happens.

A call is done when it returns; ids are the API's. The simulator notes a call before it makes it and strikes it off
afterwards, so a simulator that was killed in between makes that one call again: each call is idempotent by its ids
(`boot` of what runs answers its addresses, `destroy` of what is gone is content). A client's lost reply never repeats
a call; its retried POST is another resource with another id. Calls that share no id come at the same time, from
several threads; calls that share one come one after the other, in the order of the API's changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class MachineError(Exception):
    """An effect that can't be had; the simulator keeps the text where `show` prints it."""


@dataclass(frozen=True)
class VpcSpec:
    """A private network: `subnet`/`mask` is its range, `subnet` the first address of it."""

    id: str
    subnet: str
    mask: int


@dataclass(frozen=True)
class InstanceSpec:
    """A server to boot. `reserved_ip` is an address that was reserved before and becomes the main one."""

    id: str
    hostname: str
    label: str
    user_data: str = field(repr=False)
    """Plain text (the API's base64 is taken off), "" without."""
    ssh_keys: tuple[str, ...] = ()
    vpcs: tuple[VpcSpec, ...] = ()
    os_id: int = 0
    memory_mb: int = 0
    reserved_ip: str | None = None


@dataclass(frozen=True)
class AllowRule:
    """What a firewall group lets in; `port` is one or a range (`8000:8010`), "" for protocols without."""

    protocol: str
    port: str
    subnet: str


@dataclass(frozen=True)
class Addresses:
    """IPv4 addresses of a server: the public one, and one in each private network, by the network's id."""

    main: str
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ForwardingRule:
    """`http` or `tcp` (`https` in front with the balancer's certificate), from a port to a port of each server."""

    frontend_protocol: str
    frontend_port: int
    backend_protocol: str
    backend_port: int


@dataclass(frozen=True)
class HealthCheck:
    """How a server is found fit to serve; `path` for http only."""

    protocol: str
    port: int
    path: str
    interval_s: int
    timeout_s: int
    unhealthy: int
    healthy: int


@dataclass(frozen=True)
class Tls:
    """PEM texts of a balancer that ends TLS."""

    certificate: str
    private_key: str = field(repr=False)
    chain: str = ""


@dataclass(frozen=True)
class BalancerSpec:
    """A balancer as it is to be from now on; `backends` are addresses, private ones when it is in a network."""

    id: str
    rules: tuple[ForwardingRule, ...]
    health: HealthCheck
    backends: tuple[str, ...] = ()
    proxy_protocol: bool = False
    ssl_redirect: bool = False
    algorithm: str = "roundrobin"
    vpc: VpcSpec | None = None
    tls: Tls | None = None


@dataclass(frozen=True)
class DiskSpec:
    """A block device; attached where `instance_id` is not None, seen there as `virtio-<mount_id>`."""

    id: str
    size_gb: int
    mount_id: str
    instance_id: str | None


@dataclass(frozen=True)
class ShareSpec:
    """A file system; `tags` has its mount tag on each instance it is attached to."""

    id: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class CacheUser:
    """Who may log in to a Valkey, with what he may do there as `ACL SETUSER` takes it, one rule after the other."""

    name: str
    password: str = field(repr=False)
    rules: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseSpec:
    """A PostgreSQL (`pg`) or a Valkey (`valkey`) of this version; `user` administrates it, and is no superuser.

    `users` are a Valkey's others; those of a PostgreSQL make each other.
    """

    id: str
    version: str
    user: str
    password: str = field(repr=False)
    database: str
    engine: str = "pg"
    users: tuple[CacheUser, ...] = ()


@dataclass(frozen=True)
class Served:
    """Where it answers, with TLS."""

    host: str
    port: int


@dataclass(frozen=True)
class Account:
    """All that should be there, over all accounts: what `resume` boots and mounts again, with the addresses it had.

    What a noted call is about to change is not in it yet: the call comes after `resume`.
    """

    running: tuple[InstanceSpec, ...] = ()
    halted: tuple[InstanceSpec, ...] = ()
    disks: tuple[DiskSpec, ...] = ()
    shares: tuple[ShareSpec, ...] = ()
    balancers: tuple[BalancerSpec, ...] = ()
    databases: tuple[DatabaseSpec, ...] = ()
    addresses: Mapping[str, Addresses] = field(default_factory=dict)
    """Of instances, by id."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Reserved addresses by id."""
    balanced: Mapping[str, str] = field(default_factory=dict)
    """Addresses of balancers by id."""
    served: Mapping[str, str] = field(default_factory=dict)
    """Addresses of databases by id."""


class Machines(Protocol):
    """Effects of the simulated account. Every call may raise `MachineError`."""

    def resume(self, account: Account) -> None:
        """The simulator starts: boot what should run and doesn't; whatever is not in `account` is nobody's."""

    def boot(self, instance: InstanceSpec) -> Addresses:
        """Returns when the server is as `active`, `running` and `ok` say: its init process runs."""

    def halt(self, instance_id: str) -> None: ...

    def start(self, instance_id: str) -> None: ...

    def destroy(self, instance_id: str) -> None:
        """Its disks and shares were detached before."""

    def attach_vpc(self, instance_id: str, vpc: VpcSpec) -> str:
        """The server's address in that network."""

    def detach_vpc(self, instance_id: str, vpc: VpcSpec) -> None: ...

    def reserve_address(self, reserved_id: str) -> str:
        """An IPv4 address that no server gets by itself."""

    def release_address(self, reserved_id: str) -> None: ...

    def attach_address(self, instance_id: str, address: str) -> None:
        """A reserved address beside the main one."""

    def detach_address(self, instance_id: str, address: str) -> None: ...

    def make_disk(self, disk_id: str, size_gb: int) -> None: ...

    def grow_disk(self, disk_id: str, size_gb: int) -> None: ...

    def drop_disk(self, disk_id: str) -> None: ...

    def attach_disk(self, disk_id: str, instance_id: str, mount_id: str) -> None: ...

    def detach_disk(self, disk_id: str) -> None: ...

    def make_share(self, share_id: str) -> None: ...

    def attach_share(self, share_id: str, instance_id: str, tag: str) -> None: ...

    def detach_share(self, share_id: str, instance_id: str) -> None: ...

    def drop_share(self, share_id: str) -> None: ...

    def balance(self, balancer: BalancerSpec) -> str:
        """Make the balancer, or change it to this; its IPv4 address."""

    def unbalance(self, balancer_id: str) -> None: ...

    def make_database(self, database: DatabaseSpec) -> Served:
        """Make it, or have its users be these from now on."""

    def drop_database(self, database_id: str) -> None: ...

    def guard(self, groups: Mapping[str, tuple[AllowRule, ...]]) -> None:
        """From now on only this reaches the public addresses of these servers; others, not named, are open to all."""
