"""What should be there when a simulator starts, without what noted calls are about to change."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from lab.vultr import specs
from lab.vultr.files import Json
from lab.vultr.ports import Account, Addresses, DiskSpec, ShareSpec
from lab.vultr.store import empty


def account(accounts: Iterable[Json]) -> Account:
    """All accounts in one: machines know ids only."""
    return reduce(_together, (_one(one) for one in accounts), Account())


def _together(left: Account, right: Account) -> Account:
    return Account(
        running=left.running + right.running,
        halted=left.halted + right.halted,
        disks=left.disks + right.disks,
        shares=left.shares + right.shares,
        balancers=left.balancers + right.balancers,
        databases=left.databases + right.databases,
        addresses={**left.addresses, **right.addresses},
        reserved={**left.reserved, **right.reserved},
        balanced={**left.balanced, **right.balanced},
        served={**left.served, **right.served},
    )


def _one(account: Json) -> Account:
    """What an account of an earlier version lacks, it has none of."""
    account = empty() | account
    booted = [one for one in account["instances"].values() if one["_booted"]]
    balanced = [one for one in account["load_balancers"].values() if one["_balanced"]]
    served = [one for one in account["databases"].values() if one["_host"]]
    reserved = [one for one in account["reserved_ips"].values() if one["subnet"]]
    return Account(
        running=tuple(specs.instance_spec(account, one) for one in booted if not one["_halted"]),
        halted=tuple(specs.instance_spec(account, one) for one in booted if one["_halted"]),
        disks=tuple(_disks(account)),
        shares=tuple(_shares(account)),
        balancers=tuple(specs.balancer_spec(account, one) for one in balanced),
        databases=tuple(specs.database_spec(one) for one in served),
        addresses={one["id"]: _addresses(one) for one in booted},
        reserved={one["id"]: one["subnet"] for one in reserved},
        balanced={one["id"]: one["ipv4"] for one in balanced},
        served={one["id"]: one["_host"] for one in served},
    )


def _disks(account: Json) -> Iterable[DiskSpec]:
    for block in account["blocks"].values():
        if not _awaits(account, "make_disk", block["id"]):
            attached = None if _awaits(account, "attach_disk", block["id"]) else block["attached_to_instance"]
            yield DiskSpec(block["id"], block["size_gb"], block["mount_id"], attached or None)


def _shares(account: Json) -> Iterable[ShareSpec]:
    for share in account["vfs"].values():
        if not _awaits(account, "make_share", share["id"]):
            attached = {
                target: str(tag)
                for target, tag in share["_tags"].items()
                if not _awaits(account, "attach_share", share["id"], target)
            }
            yield ShareSpec(share["id"], attached)


def _awaits(account: Json, call: str, *arguments: str) -> bool:
    """Whether a call is noted and not made yet."""
    size = len(arguments)
    return any(one["call"] == call and tuple(one["arguments"][:size]) == arguments for one in account["todo"])


def _addresses(instance: Json) -> Addresses:
    return Addresses(
        instance["_main_ip"], {vpc: one["ip"] for vpc, one in instance["_vpcs"].items() if one["ip"]}
    )
