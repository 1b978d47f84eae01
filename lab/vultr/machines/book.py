"""What the machines know of themselves, in one file: who has which address, and what is plugged in where.

It is written before anything is done, so a run that was killed in between is mended by doing it again.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.host.cache import locked, write_atomically
from lab.host.network import machines_here
from lab.vultr.ports import MachineError

SERVER_STEM, BALANCER_STEM, DATABASE_STEM = "vultr", "balancer", "database"
# Last numbers of addresses on the bridge.
SERVER_NUMBERS, SPECIAL_NUMBERS = range(100, 200), range(200, 254)
LETTERS = "bcdefghijklmnop"  # of devices; vda is the server's own
SERIAL_LENGTH = 20  # VIRTIO_BLK_ID_BYTES
WORKS, HANGS, FAILS = "works", "hangs", "fails"
"""How a share behaves on a server: as it should, or as one whose other end is gone."""


@dataclass
class ServerNote:
    """A server: the lab's name of it, and what the cloud gave it."""

    name: str
    hostname: str
    main: str
    ssh_keys: list[str] = field(default_factory=list)
    reserved: list[str] = field(default_factory=list)
    private: dict[str, str] = field(default_factory=dict)
    shares: dict[str, str] = field(default_factory=dict)
    moods: dict[str, str] = field(default_factory=dict)
    allowed: list[list[str]] | None = None
    """What its firewall group lets in: protocol, port, subnet; None without a group."""


@dataclass
class NetworkNote:
    """A private network: the interface of this machine that it hangs on, and who has which address."""

    interface: str
    subnet: str
    mask: int
    addresses: dict[str, str] = field(default_factory=dict)


@dataclass
class DiskNote:
    """A disk: on which server it is, under which device name and serial number."""

    instance: str | None = None
    device: str = ""
    serial: str = ""


@dataclass
class BalancerNote:
    """A balancer: the lab's name of it, its address, the private network that it stands in."""

    name: str
    address: str
    vpc: str | None = None


@dataclass
class DatabaseNote:
    """A managed database: the lab's name of it, and its address."""

    name: str
    address: str


@dataclass
class Notes:
    """Everything, by the API's ids."""

    servers: dict[str, ServerNote] = field(default_factory=dict)
    networks: dict[str, NetworkNote] = field(default_factory=dict)
    disks: dict[str, DiskNote] = field(default_factory=dict)
    balancers: dict[str, BalancerNote] = field(default_factory=dict)
    reserved: dict[str, str] = field(default_factory=dict)
    databases: dict[str, DatabaseNote] = field(default_factory=dict)

    def server(self, instance: str) -> ServerNote:
        """Raises MachineError for a server that was never booted, or is destroyed."""
        if instance not in self.servers:
            raise MachineError(f"no machine of instance {instance}")
        return self.servers[instance]

    def add_server(self, instance: str, hostname: str, main: str | None, prefix: str) -> ServerNote:
        """The server's note; a new one has this address, or else the next on the bridge."""
        if instance not in self.servers:
            main = main or self._public(prefix, SERVER_NUMBERS)
            self.servers[instance] = ServerNote(self._name(SERVER_STEM), hostname, main)
        return self.servers[instance]

    def add_balancer(self, balancer: str, address: str | None, prefix: str) -> BalancerNote:
        """The balancer's note; a new one has this address, or else the next on the bridge."""
        if balancer not in self.balancers:
            note = BalancerNote(self._name(BALANCER_STEM), address or self.special(prefix))
            self.balancers[balancer] = note
        return self.balancers[balancer]

    def add_database(self, database: str, address: str | None, prefix: str) -> DatabaseNote:
        """The database's note; a new one has this address, or else the next on the bridge."""
        if database not in self.databases:
            note = DatabaseNote(self._name(DATABASE_STEM), address or self.special(prefix))
            self.databases[database] = note
        return self.databases[database]

    def place(self, disk: str, instance: str, mount_id: str) -> None:
        """A disk goes to a server. Raises MachineError when there is none, or another server has it."""
        note = self.disks.get(disk)
        self.server(instance)
        if note is None:
            raise MachineError(f"no disk {disk}")
        if note.instance not in (None, instance):
            raise MachineError(f"disk {disk} is on instance {note.instance}")
        if note.instance is None:
            taken = {other.device for other in self.disks.values() if other.instance == instance}
            note.device = _first((f"vd{letter}" for letter in LETTERS), taken, "no device name is left")
        note.instance, note.serial = instance, mount_id[:SERIAL_LENGTH]

    def special(self, prefix: str) -> str:
        """An address that no server gets by itself."""
        return self._public(prefix, SPECIAL_NUMBERS)

    def _name(self, stem: str) -> str:
        notes: list[ServerNote | BalancerNote | DatabaseNote] = [
            *self.servers.values(),
            *self.balancers.values(),
            *self.databases.values(),
        ]
        taken = {note.name for note in notes} | machines_here()
        return _first((f"{stem}{number}" for number in range(1, 100)), taken, "no name is left")

    def _public(self, prefix: str, numbers: range) -> str:
        taken = {note.main for note in self.servers.values()} | {*self.reserved.values()}
        taken |= {note.address for note in self.balancers.values()}
        taken |= {database.address for database in self.databases.values()}
        return _first((f"{prefix}.{number}" for number in numbers), taken, "no address is left on the bridge")


@dataclass(frozen=True)
class Book:
    """The file. One change at a time, from whatever thread or process."""

    path: Path

    def read(self) -> Notes:
        """As it stands."""
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError:
            return Notes()
        return Notes(
            servers={key: ServerNote(**note) for key, note in found["servers"].items()},
            networks={key: NetworkNote(**note) for key, note in found["networks"].items()},
            disks={key: DiskNote(**note) for key, note in found["disks"].items()},
            balancers={key: BalancerNote(**note) for key, note in found["balancers"].items()},
            reserved=found["reserved"],
            databases={key: DatabaseNote(**note) for key, note in found.get("databases", {}).items()},
        )

    @contextmanager
    def change(self) -> Iterator[Notes]:
        """Notes to be changed; they are written when the block ends well."""
        with locked(self.path.with_suffix(".lock")):
            notes = self.read()
            yield notes
            write_atomically(self.path, json.dumps(asdict(notes), indent=1), mode=0o600)


def private_address(note: NetworkNote, whose: str, given: str | None = None) -> str:
    """The address of a server or balancer in a private network, given on first asking."""
    if whose not in note.addresses:
        hosts = ipaddress.ip_network(f"{note.subnet}/{note.mask}", strict=False)
        candidates = (str(hosts[number]) for number in range(3, hosts.num_addresses - 1))
        taken = note.addresses.values()
        note.addresses[whose] = given or _first(candidates, taken, f"no address is left in {hosts}")
    return note.addresses[whose]


def _first(candidates: Iterator[str], taken: Collection[str], otherwise: str) -> str:
    found = next((candidate for candidate in candidates if candidate not in taken), None)
    if found is None:
        raise MachineError(otherwise)
    return found
