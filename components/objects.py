"""A project's buckets at Vultr's Object Storage, with the rules that its buckets on the data server have, but for limits.

The app has the subscription's own keys: there are no users and no policies of users there (docs/managed-objects.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pulumi
import pulumi_minio as minio

from codeb import managed_names
from codeb.plan import BucketPlan, ObjectsPlan
from components.buckets import declare_buckets

if TYPE_CHECKING:
    from components.fleet.objects import Objects


@dataclass(frozen=True)
class ProjectObjectsArgs:
    """`subscription` is the project's own; `keep_data`: buckets stay when they are no longer declared."""

    plan: ObjectsPlan
    subscription: Objects = field(repr=False)
    buckets: Sequence[BucketPlan]
    keep_data: bool


class ProjectObjects(pulumi.ComponentResource):
    """`made` are the buckets and their rules; `used`: the app has its buckets here."""

    made: Sequence[pulumi.Resource]
    used: bool

    def __init__(
        self, name: str, args: ProjectObjectsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("codeb:data:Objects", name, None, opts)
        self.used = args.plan.used
        provider = minio.Provider(
            f"{name}-minio",
            minio_server=args.subscription.host,
            minio_user=args.subscription.access_key,
            minio_password=args.subscription.secret_key,
            minio_ssl=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        there = [
            replace(each, name=managed_names.objects_bucket(args.plan.mark, each.name), quota=None)
            for each in args.buckets
        ]
        self.made = declare_buckets(
            name,
            there,
            keep_data=args.keep_data,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                retain_on_delete=args.keep_data or None,
                deleted_with=args.subscription.resource,
            ),
        )
        self.register_outputs({})


def project_objects(
    project: str,
    plan: ObjectsPlan | None,
    subscription: Callable[[str], Objects],
    buckets: Sequence[BucketPlan],
    opts: pulumi.ResourceOptions,
    *,
    keep_data: bool,
) -> ProjectObjects | None:
    """What the project has at Vultr; None for one whose buckets are on the data server alone."""
    if plan is None or not buckets:
        return None
    args = ProjectObjectsArgs(plan, subscription(project), buckets, keep_data)
    return ProjectObjects(f"{project}-objects", args, opts)
