"""A PostgreSQL that Vultr runs, in the private network of the stack's machines."""

from __future__ import annotations

from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from codeb import managed_names
from codeb.plan import DatabaseService
from components.fleet.inside import inside

_ENGINE = "pg"


@dataclass(frozen=True)
class DatabaseArgs:
    """`network` is the VPC it is attached to, `inside_only` the range that alone may connect: without one, anybody may."""

    owner: str
    region: str
    service: DatabaseService
    network: pulumi.Input[str]
    inside_only: str
    protect: bool


class Database(pulumi.ComponentResource):
    """One service. `resource` is what is deleted when all that is in it goes; `known` is what stands for the plan's markers.

    The plugin marks no password of a database as a secret: here it is one.
    """

    resource: vultr.Database
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    user: pulumi.Output[str]
    password: pulumi.Output[str]
    known: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Database", name, None, opts)
        self.resource = vultr.Database(
            f"{name}-service",
            database_engine=_ENGINE,
            database_engine_version=args.service.version,
            region=args.region,
            plan=args.service.plan,
            label=managed_names.label(args.owner),
            vpc_id=args.network,
            trusted_ips=[args.inside_only],
            opts=inside(
                self,
                opts,
                protect=args.protect,
                ignore_changes=["region", "vpcId"],
                additional_secret_outputs=["password"],
            ),
        )
        self.host, self.user = self.resource.host, self.resource.user
        self.port = self.resource.port.apply(int)
        self.password = pulumi.Output.secret(self.resource.password)
        self.known = {
            managed_names.HOST: self.host,
            managed_names.PORT: self.resource.port,
            managed_names.USER: self.user,
            managed_names.PASSWORD: self.password.apply(password_file),
        }
        self.register_outputs({})


def password_file(text: str) -> str:
    """A text as a field of PostgreSQL's password file."""
    return text.replace("\\", "\\\\").replace(":", "\\:")
