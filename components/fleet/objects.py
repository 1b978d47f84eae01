"""Subscriptions of Vultr's Object Storage: each is one project's, as it has one pair of keys."""

from __future__ import annotations

from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from codeb import managed_names
from codeb.catalogue import catalogue
from codeb.plan import ObjectService
from components.fleet.inside import inside


@dataclass(frozen=True)
class ObjectsArgs:
    """`owner` is the stack's mark, as everything of it at Vultr carries it."""

    owner: str
    service: ObjectService
    protect: bool


class Objects(pulumi.ComponentResource):
    """One subscription. All that is in it goes with `resource`; `known` is what stands for the plan's markers."""

    resource: vultr.ObjectStorage
    host: pulumi.Output[str]
    access_key: pulumi.Output[str]
    secret_key: pulumi.Output[str]
    known: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: ObjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Objects", name, None, opts)
        service = args.service
        self.resource = vultr.ObjectStorage(
            f"{name}-service",
            cluster_id=service.cluster,
            tier_id=catalogue().managed_objects[service.tier].id,
            label=managed_names.objects_label(args.owner, service.project),
            opts=inside(self, opts, protect=args.protect),
        )
        self.host = self.resource.s3_hostname
        self.access_key = pulumi.Output.secret(self.resource.s3_access_key)
        self.secret_key = pulumi.Output.secret(self.resource.s3_secret_key)
        self.known = {
            managed_names.objects_host(service.project): self.host,
            managed_names.objects_access_key(service.project): self.access_key,
            managed_names.objects_secret_key(service.project): self.secret_key,
        }
        self.register_outputs({})
