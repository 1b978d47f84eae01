"""The file system that several edges share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ediri_vultr as vultr
import pulumi

from components.fleet.inside import inside


@dataclass(frozen=True)
class StorageArgs:
    """`instances` are server → id of its instance."""

    owner: str
    region: str
    size_gb: int
    instances: Mapping[str, pulumi.Input[str]]


class Storage(pulumi.ComponentResource):
    """One Vultr File System; `tags` are server → the tag under which it mounts it.

    It is not protected: each edge has a copy of what is in it, and one edge alone needs none.
    """

    tags: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Storage", name, None, opts)
        system = vultr.VirtualFileSystemStorage(
            f"{name}-files",
            label=f"{args.owner}-certificates",
            region=args.region,
            size_gb=args.size_gb,
            attached_instances=[args.instances[server] for server in sorted(args.instances)],
            opts=inside(self, opts, ignore_changes=["region"]),
        )
        self.tags = {
            server: pulumi.Output.all(system.attachments, instance).apply(lambda found: _tag(*found))
            for server, instance in args.instances.items()
        }
        self.register_outputs({})


def _tag(attachments: Sequence[Mapping[str, Any]], instance: str) -> str:
    for attachment in attachments or ():
        if attachment["instance_id"] == instance:
            return str(attachment["mount"])
    raise pulumi.RunError(
        f"Vultr has not attached the shared file system to instance {instance}: run `codeb fleet refresh --stack "
        f"{pulumi.get_stack()}`, then `pulumi up`"
    )
