"""The private network of a stack's machines."""

from __future__ import annotations

from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from components.fleet.inside import inside


@dataclass(frozen=True)
class NetworkArgs:
    """`subnet` and `mask` are always said: what the provider chooses itself it would later want to replace.

    `settled`: servers are in it, so it stays as it is.
    """

    owner: str
    region: str
    subnet: str
    mask: int
    settled: bool = True


class Network(pulumi.ComponentResource):
    """One VPC."""

    id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Network", name, None, opts)
        vpc = vultr.Vpc(
            f"{name}-vpc",
            description=args.owner,
            region=args.region,
            v4_subnet=args.subnet,
            v4_subnet_mask=args.mask,
            opts=inside(
                self, opts, ignore_changes=["region", "v4Subnet", "v4SubnetMask"] if args.settled else None
            ),
        )
        self.id = vpc.id
        self.register_outputs({})
