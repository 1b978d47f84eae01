"""The outputs `servers`, `fleet`, `costs` and `monitoring`: where things run, what that costs, who watches it."""

from __future__ import annotations

from codeb.outputs.section import Part


class Server(Part):
    """One server of the stack."""

    address: str
    """Where it is reached from outside."""
    roles: tuple[str, ...]
    """`app`, `data`, `edge`, `monitoring`: others may come."""


class Machine(Part):
    """One server that the stack has made at Vultr."""

    id: str
    """Vultr's."""
    address: str
    """Public IPv4 address."""
    privateAddress: str
    """In the stack's network."""
    hostKey: str
    """The SSH host key to pin, as a line of `known_hosts` without the name."""
    pool: str
    """Which pool of the settings it belongs to."""
    roles: tuple[str, ...]
    """As in `servers`."""
    os: int | None = None
    """Vultr's number of its operating system."""
    reservedAddress: bool = False
    """Whether its address outlives it."""
    dataDiskGb: int | None = None
    """Size of the disk for data; null for none."""
    dataDiskType: str | None = None
    """Vultr's word for its kind: `storage_opt` or `high_perf`; null for none."""
    plan: str | None = None
    """Vultr's plan."""


class Balancer(Part):
    """The load balancer in front of the servers with the role `edge`."""

    id: str
    """Vultr's."""
    address: str
    """Where the stack's names point to."""


class Record(Part):
    """One DNS record that the stack has made."""

    name: str
    """Without the zone."""
    type: str
    """`A`, …"""


class Fleet(Part):
    """What the stack has at Vultr. Stacks of existing servers have no such output."""

    owner: str
    """The mark in the label of everything that is the stack's."""
    region: str
    """Vultr's region."""
    subnet: str
    """The private network, as `10.64.0.0/20`."""
    zone: str | None = None
    """DNS zone of the records; null where the stack makes none."""
    protect: bool | None = None
    """Whether disks and the data server can't be deleted."""
    records: tuple[Record, ...] = ()
    """The records in it."""
    servers: dict[str, Machine]
    """By name, as in `servers`."""
    balancer: Balancer | None = None
    """Null for none."""


class Costs(Part):
    """What the stack costs a month, before tax. Stacks of existing servers have no such output."""

    currency: str
    """`USD`."""
    as_of: str
    """The day of the prices."""
    monthly: float
    """All that is known."""
    servers: dict[str, float]
    """A server with its disk and its reserved address."""
    pools: dict[str, float]
    """The servers of each pool."""
    items: dict[str, float]
    """Everything by itself; the keys are words for people."""
    unknown: tuple[str, ...] = ()
    """Existing servers, of which nobody knows; not in any of the sums."""


class Monitoring(Part):
    """Where the services of monitoring answer: on that server itself, as `127.0.0.1:9090`, and its page.

    Stacks without a server with the role `monitoring` have no such output.
    """

    server: str
    """Name of the server, a key of the output `servers`."""
    prometheus: str
    """Prometheus' HTTP API: figures and recording rules."""
    alertmanager: str
    """Alertmanager's API v2: what fires, and silences."""
    logs: str
    """The log store."""
    traces: str
    """Jaeger's query API."""
    log_store: str = "victorialogs"
    """`victorialogs` or `loki`: which language the log store is asked in."""
    console: str = ""
    """The page that shows all projects, for internal clients: `https://console.example.com/`."""
