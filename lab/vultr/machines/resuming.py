"""A simulator that starts: machines and account agree again, whatever was killed in between."""

from __future__ import annotations

from lab.host.cache import remove
from lab.vultr.machines.ground import Ground
from lab.vultr.ports import Account, Machines


def forget(machines: Machines, ground: Ground, account: Account) -> None:
    """What is not in the account is nobody's, and goes."""
    notes = ground.book.read()
    for instance in notes.servers.keys() - {spec.id for spec in (*account.running, *account.halted)}:
        machines.destroy(instance)
    for balancer in notes.balancers.keys() - {spec.id for spec in account.balancers}:
        machines.unbalance(balancer)
    for database in notes.databases.keys() - {spec.id for spec in account.databases}:
        machines.drop_database(database)
    for disk in {*notes.disks, *ground.disks.all()} - {spec.id for spec in account.disks}:
        machines.drop_disk(disk)
    for share in {path.name for path in ground.shares.iterdir()} - {spec.id for spec in account.shares}:
        machines.drop_share(share)
    for reserved in notes.reserved.keys() - account.reserved.keys():
        machines.release_address(reserved)
    used = {note.interface for note in ground.book.read().networks.values()}
    for interface in set(ground.networks.mine()) - used:
        ground.networks.remove(interface)
    for host in ground.folders.hosts.glob("*"):
        if host.name not in {note.name for note in ground.book.read().servers.values()}:
            remove(host)


def adopt(machines: Machines, ground: Ground, account: Account) -> None:
    """What the account knows and the book does not: addresses that were given, and what is plugged in where."""
    prefix = ground.lab.network.prefix
    with ground.book.change() as notes:
        notes.reserved |= account.reserved
        for spec in (*account.running, *account.halted):
            given = account.addresses.get(spec.id)
            notes.add_server(spec.id, spec.hostname, given.main if given else spec.reserved_ip, prefix)
            for vpc in spec.vpcs:
                ground.join(notes, vpc, spec.id, given.private.get(vpc.id) if given else None)
        for balancer in account.balancers:
            notes.add_balancer(balancer.id, account.balanced.get(balancer.id), prefix)
        for database in account.databases:
            notes.add_database(database.id, account.served.get(database.id), prefix)
    for disk in account.disks:
        machines.make_disk(disk.id, disk.size_gb)
    _plug(ground, account)


def _plug(ground: Ground, account: Account) -> None:
    """Disks and shares where the account has them."""
    with ground.book.change() as notes:
        for disk in account.disks:
            notes.disks[disk.id].instance = None
        for disk in account.disks:
            if disk.instance_id:
                notes.place(disk.id, disk.instance_id, disk.mount_id)
        for share in account.shares:
            (ground.shares / share.id).mkdir(exist_ok=True)
        for instance, server in notes.servers.items():
            tags = {spec.tags[instance]: spec.id for spec in account.shares if instance in spec.tags}
            server.shares = tags
            server.moods = {tag: mood for tag, mood in server.moods.items() if tag in tags}
