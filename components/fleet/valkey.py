"""A Valkey that Vultr runs, in the private network of the stack's machines."""

from __future__ import annotations

from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from codeb import managed_names
from codeb.plan import CacheServices
from codeb.plan.caches import SHARED_EVICTION
from components.fleet.inside import inside

_ENGINE = "valkey"


@dataclass(frozen=True)
class ValkeyArgs:
    """`number` is that of the shared Redis in whose place it is, `inside_only` the range that alone may connect.

    `provider` makes users there, for projects that are no part of the fleet.
    """

    owner: str
    region: str
    services: CacheServices
    number: int
    network: pulumi.Input[str]
    inside_only: str
    provider: pulumi.ProviderResource


class Valkey(pulumi.ComponentResource):
    """One service; `known` is what stands for the plan's markers.

    It is not protected: what a cache holds is lost by each move, and a preview says so.
    """

    resource: vultr.Database
    provider: pulumi.ProviderResource
    host: pulumi.Output[str]
    port: pulumi.Output[str]
    known: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ValkeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Valkey", name, None, opts)
        self.resource = vultr.Database(
            f"{name}-service",
            database_engine=_ENGINE,
            database_engine_version=args.services.version,
            region=args.region,
            plan=args.services.plan,
            label=managed_names.valkey_label(args.owner, args.number),
            vpc_id=args.network,
            trusted_ips=[args.inside_only],
            eviction_policy=SHARED_EVICTION,
            opts=inside(
                self,
                opts,
                ignore_changes=["region", "vpcId"],
                additional_secret_outputs=["password"],
            ),
        )
        self.provider = args.provider
        self.host, self.port = self.resource.host, self.resource.port
        self.known = {
            managed_names.valkey_host(args.number): self.host,
            managed_names.valkey_port(args.number): self.port,
        }
        self.register_outputs({})
