"""Block storage: the disk on which a server's data outlives the server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import ediri_vultr as vultr
import pulumi

from codeb import names
from components.fleet.inside import inside

_SERIAL = 20
"""virtio gives a disk a serial number of at most 20 characters."""


@dataclass(frozen=True)
class DiskArgs:
    """`size_gb` may grow; the agent grows the file system in it. `type` is Vultr's: `storage_opt` or `high_perf`."""

    owner: str
    server: str
    region: str
    size_gb: int
    type: str
    instance: pulumi.Input[str]
    protect: bool


class Disk(pulumi.ComponentResource):
    """One disk, attached to one instance. `device` is its path on that machine, `type` what it is, whatever is wanted."""

    device: pulumi.Output[str]
    type: pulumi.Output[str]

    def __init__(self, name: str, args: DiskArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Disk", name, None, opts)
        label = partial(names.disk_label, args.owner, args.server)
        storage = vultr.BlockStorage(
            f"{name}-storage",
            label=pulumi.Output.from_input(args.instance).apply(label),
            region=args.region,
            size_gb=args.size_gb,
            block_type=args.type,
            attached_to_instance=args.instance,
            live=True,
            opts=inside(self, opts, protect=args.protect, ignore_changes=["region", "blockType"]),
        )
        self.device, self.type = storage.mount_id.apply(device), storage.block_type
        self.register_outputs({})


def device(mount_id: str) -> str:
    """Where a machine finds the disk of this mount id."""
    return f"/dev/disk/by-id/virtio-{mount_id[:_SERIAL]}"
