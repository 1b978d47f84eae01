"""Machines that are nowhere: an account without any effect."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping

from lab.vultr.ports import (
    Account,
    Addresses,
    AllowRule,
    BalancerSpec,
    DatabaseSpec,
    InstanceSpec,
    MachineError,
    Served,
    VpcSpec,
)

_DATABASE_PORT = 16751


class Nowhere:
    """No effect at all; addresses come from the ranges for documentation and from the networks' own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[str, str] = {}

    def resume(self, account: Account) -> None:
        for instance, addresses in account.addresses.items():
            self._given[instance] = addresses.main
            self._given |= {f"{vpc} {instance}": address for vpc, address in addresses.private.items()}
        self._given |= {**account.reserved, **account.balanced}

    def boot(self, instance: InstanceSpec) -> Addresses:
        private = {vpc.id: self.attach_vpc(instance.id, vpc) for vpc in instance.vpcs}
        return Addresses(instance.reserved_ip or self._address("198.51.100.0/24", instance.id), private)

    def halt(self, instance_id: str) -> None:
        pass

    def start(self, instance_id: str) -> None:
        pass

    def destroy(self, instance_id: str) -> None:
        self._free(instance_id)

    def attach_vpc(self, instance_id: str, vpc: VpcSpec) -> str:
        return self._address(f"{vpc.subnet}/{vpc.mask}", f"{vpc.id} {instance_id}")

    def detach_vpc(self, instance_id: str, vpc: VpcSpec) -> None:
        self._free(f"{vpc.id} {instance_id}")

    def reserve_address(self, reserved_id: str) -> str:
        return self._address("203.0.113.0/25", reserved_id)

    def release_address(self, reserved_id: str) -> None:
        self._free(reserved_id)

    def attach_address(self, instance_id: str, address: str) -> None:
        pass

    def detach_address(self, instance_id: str, address: str) -> None:
        pass

    def make_disk(self, disk_id: str, size_gb: int) -> None:
        pass

    def grow_disk(self, disk_id: str, size_gb: int) -> None:
        pass

    def drop_disk(self, disk_id: str) -> None:
        pass

    def attach_disk(self, disk_id: str, instance_id: str, mount_id: str) -> None:
        pass

    def detach_disk(self, disk_id: str) -> None:
        pass

    def make_share(self, share_id: str) -> None:
        pass

    def attach_share(self, share_id: str, instance_id: str, tag: str) -> None:
        pass

    def detach_share(self, share_id: str, instance_id: str) -> None:
        pass

    def drop_share(self, share_id: str) -> None:
        pass

    def balance(self, balancer: BalancerSpec) -> str:
        return self._address("203.0.113.128/25", balancer.id)

    def unbalance(self, balancer_id: str) -> None:
        self._free(balancer_id)

    def make_database(self, database: DatabaseSpec) -> Served:
        return Served(f"vultr-prod-{database.id}.vultrdb.invalid", _DATABASE_PORT)

    def drop_database(self, database_id: str) -> None:
        pass

    def guard(self, groups: Mapping[str, tuple[AllowRule, ...]]) -> None:
        pass

    def _address(self, network: str, whose: str) -> str:
        """An address of a network that nobody has, the same one as long as it is not freed."""
        with self._lock:
            if whose not in self._given:
                taken = set(self._given.values())
                usable = (str(address) for address in ipaddress.ip_network(network, strict=False).hosts())
                free = (
                    address for number, address in enumerate(usable) if number > 1 and address not in taken
                )
                try:
                    self._given[whose] = next(free)
                except StopIteration:
                    raise MachineError(f"{network} has no address left") from None
            return self._given[whose]

    def _free(self, whose: str) -> None:
        with self._lock:
            for key in [key for key in self._given if key == whose or key.endswith(f" {whose}")]:
                del self._given[key]
