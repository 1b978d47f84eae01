"""What all calls stand on: the book, the folders, and the servers and devices that follow from them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.host import Lab
from lab.host.cache import locked
from lab.host.paths import Folders
from lab.vultr.machines import metadata
from lab.vultr.machines.appliances import BRIDGE_INTERFACE, Appliance, addresses
from lab.vultr.machines.balancers import Balancer
from lab.vultr.machines.book import (
    WORKS,
    BalancerNote,
    Book,
    DatabaseNote,
    NetworkNote,
    Notes,
    private_address,
)
from lab.vultr.machines.caches import Cache
from lab.vultr.machines.databases import INSIDE, SHARED, Database
from lab.vultr.machines.disks import Disks
from lab.vultr.machines.firewall import Firewall
from lab.vultr.machines.networks import PrivateNetworks, private_interface
from lab.vultr.machines.servers import Server
from lab.vultr.ports import VpcSpec

FOLDER = "vultr/machines"


@dataclass(frozen=True)
class Ground:
    """One lab's share of the simulated cloud, in ``.lab/vultr/machines``."""

    lab: Lab

    @property
    def folders(self) -> Folders:
        """The cloud's own folders; the cache is the lab's."""
        return Folders(self.lab.folders.lab / FOLDER, self.lab.folders.cache)

    @property
    def book(self) -> Book:
        return Book(self.folders.lab / "machines.json")

    @property
    def disks(self) -> Disks:
        return Disks(self.folders.lab / "disks")

    @property
    def shares(self) -> Path:
        """A folder a share."""
        return self.folders.lab / "shares"

    @property
    def networks(self) -> PrivateNetworks:
        return PrivateNetworks(self.lab.folders.lab)

    @property
    def firewall(self) -> Firewall:
        return Firewall(self.lab.network.bridge)

    @property
    def known(self) -> Path:
        """What the metadata service tells, a document an address."""
        return self.folders.lab / "metadata" / "documents"

    def bridge(self) -> None:
        """The lab's bridge, up. Raises LabError when another lab has it."""
        with locked(self.lab.folders.lock, self.lab.progress):
            self.lab.network.ensure(self.lab.folders.lab)

    def server(self, notes: Notes, instance: str) -> Server:
        """Raises MachineError for an instance that is not there."""
        note = notes.server(instance)
        return Server(note.name, self.folders, self.lab.network, note.main, self.shares)

    def interfaces(self, notes: Notes, instance: str) -> list[str]:
        """Of the private networks that a server is in."""
        return [notes.networks[vpc].interface for vpc in notes.server(instance).private]

    def devices(self, notes: Notes, instance: str) -> dict[str, Any]:
        """What a server finds plugged in; its disks get their devices by that."""
        note = notes.server(instance)
        networks = {BRIDGE_INTERFACE: [f"{note.main}/24", *(f"{address}/32" for address in note.reserved)]}
        for vpc, address in note.private.items():
            network = notes.networks[vpc]
            networks[private_interface(network.interface)] = [f"{address}/{network.mask}"]
        disks = {}
        for disk, where in notes.disks.items():
            if where.instance == instance:
                number = self.disks.plug(disk)
                link = f"virtio-{where.serial}"
                disks[where.device] = {"major": os.major(number), "minor": os.minor(number), "link": link}
        shares = {
            tag: {"folder": share, "mood": note.moods.get(tag, WORKS)} for tag, share in note.shares.items()
        }
        return {
            "networks": networks,
            "metadata": f"{metadata.ADDRESS}/32",
            "disks": disks,
            "shares": shares,
        }

    def plug(self, instance: str) -> None:
        """A server's devices as the book has them, at once."""
        notes = self.book.read()
        server, interfaces = self.server(notes, instance), self.interfaces(notes, instance)
        init = server.systemd()
        if init is not None:
            for interface in interfaces:
                self.networks.plug(interface, init)
        server.plug(self.devices(notes, instance), interfaces)

    def join(self, notes: Notes, vpc: VpcSpec, whose: str, given: str | None = None) -> str:
        """An address in a private network, which is made when it is new."""
        if vpc.id not in notes.networks:
            taken = {note.interface for note in notes.networks.values()}
            notes.networks[vpc.id] = NetworkNote(self.networks.free_name(taken), vpc.subnet, vpc.mask)
        self.networks.ensure(notes.networks[vpc.id].interface)
        return private_address(notes.networks[vpc.id], whose, given)

    def leave(self, notes: Notes, vpc: str, whose: str) -> None:
        """The address is free again; the last one to leave switches the light off."""
        network = notes.networks.get(vpc)
        if network is None:
            return
        network.addresses.pop(whose, None)
        if not network.addresses:
            self.networks.remove(network.interface)
            del notes.networks[vpc]

    def balancer(self, notes: Notes, balancer: str, note: BalancerNote) -> Balancer:
        """A balancer as the book has it."""
        network = notes.networks[note.vpc] if note.vpc else None
        folder = self.folders.lab / "balancers" / balancer
        private = f"{network.addresses[balancer]}/{network.mask}" if network else None
        interface = network.interface if network else None
        return Balancer(
            Appliance(
                note.name,
                folder,
                self.lab.network,
                addresses(note.address, private, interface),
                networks=[interface] if interface else [],
                binds=Balancer.shared(folder),
            )
        )

    def database(self, database: str, note: DatabaseNote) -> Database:
        """A managed PostgreSQL as the book has it."""
        return Database(self.store(database, note))

    def cache(self, database: str, note: DatabaseNote) -> Cache:
        """A managed Valkey as the book has it."""
        return Cache(self.store(database, note))

    def store(self, database: str, note: DatabaseNote) -> Appliance:
        """What a managed database runs on, whatever kind it is."""
        folder = self.folders.lab / "databases" / database
        binds = {folder / SHARED: INSIDE}
        return Appliance(
            note.name, folder, self.lab.network, addresses(note.address, None, None), binds=binds
        )

    def metadata(self) -> Appliance:
        """The service that tells servers about themselves."""
        program = Path(metadata.__file__)
        return Appliance(
            f"metadata{self.lab.network.prefix.rpartition('.')[2]}",
            self.folders.lab / "metadata",
            self.lab.network,
            [
                (f"{metadata.ADDRESS}/32", BRIDGE_INTERFACE),
                (f"{self.lab.network.prefix}.254/24", BRIDGE_INTERFACE),
            ],
            binds={self.known: "/run/metadata", program: "/run/metadata.py"},
        )
