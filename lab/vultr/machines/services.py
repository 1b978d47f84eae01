"""What the cloud runs itself: balancers, and databases with an address of their own on the bridge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.host.cache import remove
from lab.vultr.machines import caches
from lab.vultr.machines.databases import VERSIONS
from lab.vultr.machines.ground import Ground
from lab.vultr.machines.roots import balancer_root, cache_root
from lab.vultr.ports import BalancerSpec, DatabaseSpec, MachineError, Served


@dataclass(frozen=True)
class CloudServices:
    """Their part of :class:`lab.vultr.ports.Machines`."""

    ground: Ground

    def balance(self, balancer: BalancerSpec) -> str:
        ground = self.ground
        with ground.book.change() as notes:
            note = notes.add_balancer(balancer.id, None, ground.lab.network.prefix)
            vpc = balancer.vpc.id if balancer.vpc else None
            moved = note.vpc != vpc
            if moved and note.vpc:
                ground.leave(notes, note.vpc, balancer.id)
            if balancer.vpc:
                ground.join(notes, balancer.vpc, balancer.id)
            note.vpc = vpc
        root = balancer_root(ground.lab.folders, ground.lab.progress)
        ground.balancer(notes, balancer.id, note).set(balancer, root, anew=moved)
        return note.address

    def unbalance(self, balancer_id: str) -> None:
        ground = self.ground
        notes = ground.book.read()
        if balancer_id not in notes.balancers:
            return
        appliance = ground.balancer(notes, balancer_id, notes.balancers[balancer_id]).appliance
        appliance.stop()
        remove(appliance.folder)
        with ground.book.change() as notes:
            if vpc := notes.balancers.pop(balancer_id).vpc:
                ground.leave(notes, vpc, balancer_id)

    def make_database(self, database: DatabaseSpec) -> Served:
        ground = self.ground
        cache = database.engine == "valkey"
        name, versions = ("Valkey", [caches.VERSION]) if cache else ("PostgreSQL", [*VERSIONS])
        if database.version not in versions:
            raise MachineError(f"the lab has {name} {' and '.join(versions)}, and no {database.version}")
        with ground.book.change() as notes:
            note = notes.add_database(database.id, None, ground.lab.network.prefix)
        if cache:
            root = cache_root(ground.lab.folders, ground.lab.progress)
            return ground.cache(database.id, note).serve(database, root)
        root = balancer_root(ground.lab.folders, ground.lab.progress)
        programs = ground.lab.postgres(int(database.version))
        return ground.database(database.id, note).start(database, root, programs)

    def drop_database(self, database_id: str) -> None:
        notes = self.ground.book.read()
        if database_id not in notes.databases:
            return
        appliance = self.ground.store(database_id, notes.databases[database_id])
        appliance.stop()
        remove(appliance.folder)
        with self.ground.book.change() as notes:
            del notes.databases[database_id]

    def authority(self, database_id: str) -> Path:
        """The certificate that a managed database is known by. Raises MachineError: there is no such database."""
        notes = self.ground.book.read()
        if database_id not in notes.databases:
            raise MachineError(f"no machine of database {database_id}")
        return self.ground.database(database_id, notes.databases[database_id]).ca
