"""The port :class:`lab.vultr.ports.Machines` with real effects: each call writes the book, then makes things so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from lab.host import requirements
from lab.host.cache import remove, write_atomically
from lab.vultr.machines import resuming
from lab.vultr.machines.book import DiskNote, ServerNote
from lab.vultr.machines.roots import balancer_root, server_root
from lab.vultr.machines.services import CloudServices
from lab.vultr.ports import Account, Addresses, AllowRule, InstanceSpec, MachineError, VpcSpec


@dataclass(frozen=True)
class LabMachines(CloudServices):
    """Servers, disks, shares, networks and balancers of the simulated account, on this machine."""

    def prepare(self) -> None:
        """All that takes minutes the first time, the bridge and the metadata service. Raises LabError."""
        lab = self.ground.lab
        requirements.meet(lab.folders, lab.progress)
        root = server_root(lab.folders, lab.progress)
        balancer_root(lab.folders, lab.progress)
        self.ground.bridge()
        self.ground.shares.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ground.known.mkdir(parents=True, exist_ok=True, mode=0o700)
        service = self.ground.metadata()
        if service.supervised.running():
            lab.network.attach(service.name)
        else:
            service.start(root, ["/usr/bin/python3", "-IS", "/run/metadata.py", "/run/metadata"])

    def resume(self, account: Account) -> None:
        """See :class:`lab.vultr.ports.Machines`."""
        self.prepare()
        resuming.forget(self, self.ground, account)
        resuming.adopt(self, self.ground, account)
        for spec in account.running:
            self.boot(spec)
        for spec in account.halted:
            self.lay(spec)
            self.halt(spec.id)
        for balancer in account.balancers:
            self.balance(balancer)
        for database in account.databases:
            self.make_database(database)

    def boot(self, instance: InstanceSpec) -> Addresses:
        addresses = self.lay(instance)
        self.start(instance.id)
        return addresses

    def lay(self, instance: InstanceSpec) -> Addresses:
        """A server's address, files and user data, as far as they are not there; it isn't started."""
        ground = self.ground
        with ground.book.change() as notes:
            prefix = ground.lab.network.prefix
            note = notes.add_server(instance.id, instance.hostname, instance.reserved_ip, prefix)
            note.private = {vpc.id: ground.join(notes, vpc, instance.id) for vpc in instance.vpcs}
        self._tell(instance, note)
        server = ground.server(notes, instance.id)
        if not server.supervised.running():
            server.mount(self._root)
            server.seed(instance.id, instance.hostname, instance.user_data, list(instance.ssh_keys))
        return Addresses(note.main, note.private)

    def start(self, instance_id: str) -> None:
        ground, notes = self.ground, self.ground.book.read()
        server = ground.server(notes, instance_id)
        if server.supervised.running():
            ground.lab.network.attach(server.name)
            self.ground.plug(instance_id)
            return
        server.mount(self._root)
        server.power_on(ground.devices(notes, instance_id), ground.interfaces(notes, instance_id))

    def halt(self, instance_id: str) -> None:
        """At once, as when the power fails: that is what Vultr's `halt` is."""
        notes = self.ground.book.read()
        if instance_id in notes.servers:
            self.ground.server(notes, instance_id).power_cut()

    def destroy(self, instance_id: str) -> None:
        ground = self.ground
        notes = ground.book.read()
        if instance_id not in notes.servers:
            return
        server = ground.server(notes, instance_id)
        server.power_cut()
        server.unmount()
        remove(server.folder)
        (ground.known / f"{server.main}.json").unlink(missing_ok=True)
        with ground.book.change() as notes:
            for vpc in notes.servers[instance_id].private:
                ground.leave(notes, vpc, instance_id)
            del notes.servers[instance_id]
            for disk in notes.disks.values():
                if disk.instance == instance_id:
                    disk.instance = None

    def attach_vpc(self, instance_id: str, vpc: VpcSpec) -> str:
        with self.ground.book.change() as notes:
            note = notes.server(instance_id)
            note.private[vpc.id] = self.ground.join(notes, vpc, instance_id)
        self.ground.plug(instance_id)
        return note.private[vpc.id]

    def detach_vpc(self, instance_id: str, vpc: VpcSpec) -> None:
        ground = self.ground
        with ground.book.change() as notes:
            note = notes.server(instance_id)
            init = ground.server(notes, instance_id).systemd()
            if note.private.pop(vpc.id, None) and init:
                ground.networks.unplug(notes.networks[vpc.id].interface, init)
            ground.leave(notes, vpc.id, instance_id)
        self.ground.plug(instance_id)

    def reserve_address(self, reserved_id: str) -> str:
        with self.ground.book.change() as notes:
            if reserved_id not in notes.reserved:
                notes.reserved[reserved_id] = notes.special(self.ground.lab.network.prefix)
            return notes.reserved[reserved_id]

    def release_address(self, reserved_id: str) -> None:
        with self.ground.book.change() as notes:
            notes.reserved.pop(reserved_id, None)

    def attach_address(self, instance_id: str, address: str) -> None:
        with self.ground.book.change() as notes:
            note = notes.server(instance_id)
            if address not in (note.main, *note.reserved):
                note.reserved.append(address)
            self.ground.firewall.set(notes, self._root)
        self.ground.plug(instance_id)

    def detach_address(self, instance_id: str, address: str) -> None:
        with self.ground.book.change() as notes:
            note = notes.server(instance_id)
            note.reserved = [other for other in note.reserved if other != address]
            self.ground.firewall.set(notes, self._root)
        self.ground.plug(instance_id)

    def make_disk(self, disk_id: str, size_gb: int) -> None:
        with self.ground.book.change() as notes:
            notes.disks.setdefault(disk_id, DiskNote())
        self.ground.disks.make(disk_id, size_gb)

    def grow_disk(self, disk_id: str, size_gb: int) -> None:
        self.ground.disks.grow(disk_id, size_gb)

    def drop_disk(self, disk_id: str) -> None:
        self.detach_disk(disk_id)
        self.ground.disks.drop(disk_id)
        with self.ground.book.change() as notes:
            notes.disks.pop(disk_id, None)

    def attach_disk(self, disk_id: str, instance_id: str, mount_id: str) -> None:
        with self.ground.book.change() as notes:
            notes.place(disk_id, instance_id, mount_id)
        self.ground.plug(instance_id)

    def detach_disk(self, disk_id: str) -> None:
        """Without asking the server, whose file systems on it end in errors."""
        with self.ground.book.change() as notes:
            disk = notes.disks.get(disk_id, DiskNote())
            instance, disk.instance = disk.instance, None
        if instance in notes.servers:
            self.ground.plug(str(instance))
        self.ground.disks.unplug(disk_id)

    def make_share(self, share_id: str) -> None:
        (self.ground.shares / share_id).mkdir(parents=True, exist_ok=True)

    def attach_share(self, share_id: str, instance_id: str, tag: str) -> None:
        if not (self.ground.shares / share_id).is_dir():
            raise MachineError(f"no file system {share_id}")
        with self.ground.book.change() as notes:
            notes.server(instance_id).shares[tag] = share_id
        self.ground.plug(instance_id)

    def detach_share(self, share_id: str, instance_id: str) -> None:
        """Without asking the server: what has it mounted gets errors."""
        with self.ground.book.change() as notes:
            if instance_id not in notes.servers:
                return
            note = notes.servers[instance_id]
            note.shares = {tag: share for tag, share in note.shares.items() if share != share_id}
            note.moods = {tag: mood for tag, mood in note.moods.items() if tag in note.shares}
        self.ground.plug(instance_id)

    def drop_share(self, share_id: str) -> None:
        for instance, note in self.ground.book.read().servers.items():
            if share_id in note.shares.values():
                self.detach_share(share_id, instance)
        remove(self.ground.shares / share_id)

    def share_mood(self, share_id: str, instance_id: str, mood: str) -> None:
        """The switch: a share that works, hangs or fails on one server, while it is attached there."""
        with self.ground.book.change() as notes:
            note = notes.server(instance_id)
            note.moods |= {tag: mood for tag, share in note.shares.items() if share == share_id}
        self.ground.plug(instance_id)

    def guard(self, groups: Mapping[str, tuple[AllowRule, ...]]) -> None:
        with self.ground.book.change() as notes:
            for instance, note in notes.servers.items():
                rules = groups.get(instance)
                note.allowed = None if rules is None else [[*astuple(rule)] for rule in rules]
            self.ground.firewall.set(notes, self._root)

    def down(self) -> None:
        """Everything off: servers in order, then the cloud's own machines; data stays."""
        notes = self.ground.book.read()
        for instance in notes.servers:
            server = self.ground.server(notes, instance)
            if server.supervised.running():
                with self.ground.lab.progress.step(f"shut down {server.name}"):
                    server.power_off()
            server.unmount()
        for balancer, note in notes.balancers.items():
            self.ground.balancer(notes, balancer, note).appliance.stop()
        for database, one in notes.databases.items():
            self.ground.database(database, one).appliance.stop()
        self.ground.metadata().stop()
        for disk in self.ground.disks.all():
            self.ground.disks.unplug(disk)
        for interface in self.ground.networks.mine():
            self.ground.networks.remove(interface)
        if notes.servers:
            self.ground.firewall.remove(self._root)

    def clean(self) -> None:
        """Off and gone, with all data: nobody waits for servers to end in order."""
        for instance in self.ground.book.read().servers:
            self.halt(instance)
        self.down()
        remove(self.ground.folders.lab)

    @property
    def _root(self) -> Path:
        return server_root(self.ground.lab.folders, self.ground.lab.progress)

    def _tell(self, instance: InstanceSpec, note: ServerNote) -> None:
        """What the metadata service answers to a server."""
        document = {
            "hostname": instance.hostname,
            "instance-v2-id": instance.id,
            "public-keys": list(instance.ssh_keys),
            "interfaces": {
                str(number): {"ipv4": {"address": address}, "network-type": kind}
                for number, (kind, address) in enumerate(
                    [("public", note.main), *(("private", address) for address in note.private.values())]
                )
            },
            "user-data": instance.user_data,
        }
        write_atomically(self.ground.known / f"{note.main}.json", json.dumps(document), mode=0o600)
