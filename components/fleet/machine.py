"""A Vultr instance, with the address that outlives it and its disk where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import ediri_vultr as vultr
import pulumi

from codeb import plan
from components.fleet.disk import Disk, DiskArgs
from components.fleet.inside import inside
from components.ready import Ready

KEPT = ("userData", "sshKeyIds", "userScheme", "osId", "hostname", "region", "reservedIpId")
"""Inputs of which a change replaces a server: only `codeb fleet replace` lets one through (`MachineArgs.renew`)."""

_NOT_YET: Final = "0.0.0.0"
"""What Vultr calls an address that is still to come."""


@dataclass(frozen=True)
class MachineArgs:
    """`user_data` is cloud-init's and has a private key in it. `renew`: this run makes the server anew, on purpose.

    `settled` is `FleetArgs.settled`.
    """

    machine: plan.Machine
    owner: str
    region: str
    protect: bool
    keys: Sequence[pulumi.Input[str]]
    network: pulumi.Input[str]
    firewall: pulumi.Input[str]
    user_data: str = field(repr=False)
    renew: bool = False
    settled: bool = True
    ready: Ready | None = None


class Machine(pulumi.ComponentResource):
    """One server. `address` is public, `private_address` in the VPC, `device` and `disk_type` are the data disk's."""

    id: pulumi.Output[str]
    address: pulumi.Output[str]
    private_address: pulumi.Output[str]
    device: pulumi.Output[str] | None
    disk_type: pulumi.Output[str] | None
    instance: vultr.Instance
    plan: plan.Machine

    def __init__(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Machine", name, None, opts)
        child = inside(self, opts)
        reserved = self._reserved_address(name, args, child) if args.machine.reserved_ip else None
        self.instance = self._instance(name, args, reserved, child)
        self.plan = args.machine
        self.id = self.instance.id
        self.address = self.instance.main_ip.apply(partial(_given, args.machine.server))
        self.private_address = self.instance.internal_ip
        disk = self._disk(name, args, child) if args.machine.disk_gb is not None else None
        self.device, self.disk_type = (disk.device, disk.type) if disk else (None, None)
        self.register_outputs({"id": self.id, "address": self.address})

    def _instance(
        self, name: str, args: MachineArgs, reserved: vultr.ReservedIp | None, opts: pulumi.ResourceOptions
    ) -> vultr.Instance:
        """A disk and a reserved address belong to one server at a time: there the old one goes before the new one comes."""
        machine = args.machine
        alone = reserved is not None or machine.disk_gb is not None
        return vultr.Instance(
            f"{name}-instance",
            region=args.region,
            plan=machine.plan,
            os_id=machine.os_id,
            label=machine.label,
            hostname=machine.hostname,
            tags=["codeb", args.owner],
            ssh_key_ids=list(args.keys),
            user_data=pulumi.Output.secret(args.user_data),
            user_scheme="root",
            firewall_group_id=args.firewall,
            vpc_ids=[args.network],
            reserved_ip_id=reserved.id if reserved else None,
            enable_ipv6=False,
            backups="disabled",
            ddos_protection=False,
            activation_email=False,
            opts=inside(
                self,
                opts,
                protect=args.protect and "data" in machine.roles and machine.disk_gb is None,
                ignore_changes=None if args.renew else list(KEPT),
                delete_before_replace=alone or None,
                additional_secret_outputs=["userData", "kvm"],
            ),
        )

    def _reserved_address(
        self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions
    ) -> vultr.ReservedIp:
        return vultr.ReservedIp(
            f"{name}-address",
            ip_type="v4",
            region=args.region,
            label=f"{args.owner}-{args.machine.server}",
            opts=inside(self, opts, ignore_changes=["region"] if args.settled else None),
        )

    def _disk(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions) -> Disk:
        disk = DiskArgs(
            owner=args.owner,
            server=args.machine.server,
            region=args.region,
            size_gb=args.machine.disk_gb or 0,
            type=args.machine.disk_type or "",
            instance=self.id.apply(args.ready.unlocked) if args.ready else self.id,
            protect=args.protect,
        )
        return Disk(f"{name}-disk", disk, opts)


def _given(name: str, address: str) -> str:
    """The address as it is. Raises pulumi.RunError for one that Vultr had not given when an update was ended."""
    if address == _NOT_YET:
        raise pulumi.RunError(
            f"{name} has no address as far as the state knows: an update was ended while Vultr made it. It is left "
            "alone. Run `codeb fleet refresh`, which asks for it, then `pulumi up`."
        )
    return address
