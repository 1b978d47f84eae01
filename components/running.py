"""What servers that run can't follow, and which of them this run makes anew."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi

from codeb.catalogue import catalogue
from codeb.fleet import State
from codeb.fleet.kinds import DISK, NETWORK, SERVER
from codeb.fleet.values import text
from codeb.plan import Fleet, Machine, Plan

_UNPROTECT: Final = "When what it holds may go, set codeb:protect to false and run `pulumi up` first"
RENEW: Final = "CODEB_RENEW"
"""Environment variable with the servers, separated by commas, that `codeb fleet replace` makes anew in this run."""


def check_running(
    plan: Plan, owner: str, servers: Mapping[str, Mapping[str, Any]], fleet: Mapping[str, Any]
) -> None:
    """Refuse what no running server can follow: `servers` and `fleet` are previous outputs, `owner` the stack's mark now.

    Raises:
        pulumi.RunError: says what, and what to do.
    """
    protected = (
        plan.settings.protect or fleet.get("protect") is True
    )  # the plugin deletes only what was unprotected before
    if protected:
        check_data(plan, servers)
        check_addresses(plan, fleet)
    check_root(owner, fleet)
    if plan.fleet is not None:
        check_fleet(plan.fleet, fleet, renewed(), protected=protected)


def check_data(plan: Plan, before: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse that another server takes over the role data: it would start empty, and all projects go over to it.

    `before` is the previous output `servers`. A server of the settings may get another name at the same address.

    Raises:
        pulumi.RunError: names the server that holds the data.
    """
    keepers = [server for server in plan.servers if server.has("data")]
    for name, had in before.items():
        kept = any(server.name == name or server.address == had.get("address") for server in keepers)
        if "data" in had.get("roles", ()) and not kept:
            raise pulumi.RunError(
                f"{name} holds the data of all projects, and {keepers[0].name} would take its place with none: put the "
                f"server, its name and its role data back (codeb:pools, codeb:servers). {_UNPROTECT}"
            )


def check_addresses(plan: Plan, before: Mapping[str, Any]) -> None:
    """Refuse that a reserved address goes with its server: `before` is the previous output `fleet`.

    Raises:
        pulumi.RunError: names the server.
    """
    kept = {machine.server for machine in plan.fleet.machines} if plan.fleet else set()
    for name, had in (before.get("servers") or {}).items():
        if had.get("reservedAddress") and name not in kept:
            raise pulumi.RunError(
                f"codeb:pools: {name} has the reserved address {had.get('address')}, which would go with it: put its pool "
                f"and its name back. {_UNPROTECT}"
            )


def check_root(owner: str, before: Mapping[str, Any]) -> None:
    """Refuse another root secret: `owner` is the stack's mark now, `before` the previous output `fleet`.

    Raises:
        pulumi.RunError: all passwords and host keys would be others, and nothing at Vultr this stack's any more.
    """
    had = before.get("owner")
    if isinstance(had, str) and had.rpartition("-")[2] != owner.rpartition("-")[2]:
        raise pulumi.RunError(
            f"codeb:rootSecret is not the one that this stack's servers were made with (their mark is {had}, not {owner}): "
            "all passwords and host keys come from it. Put it back"
        )


def check_fleet(fleet: Fleet, before: Mapping[str, Any], renew: frozenset[str], *, protected: bool) -> None:
    """Refuse what no running server can follow: `before` is the previous output `fleet`, `renew` are made anew anyhow.

    Raises:
        pulumi.RunError: region or private network have changed, an address is no longer reserved or now is, a server or disk
            shrinks, a disk changes its kind or goes.
    """
    _same("region", fleet.region, before.get("region"))
    _same("vpcSubnet", f"{fleet.subnet}/{fleet.subnet_mask}", before.get("subnet"))
    servers = before.get("servers") or {}
    for machine in fleet.machines:
        if machine.server in servers:
            _check_machine(machine, servers[machine.server], anew=machine.server in renew)
            _check_disk(machine, servers[machine.server], protected=protected)


def waiting(fleet: Fleet, before: Mapping[str, Any], renew: frozenset[str]) -> Iterator[str]:
    """A sentence for each running server with another system than the settings': only a server made anew gets theirs."""
    servers, systems = before.get("servers") or {}, catalogue().systems
    for machine in fleet.machines:
        had = (servers.get(machine.server) or {}).get("os")
        if had is None or int(had) == machine.os_id or machine.server in renew:
            continue
        runs = systems[int(had)].name if int(had) in systems else f"system {int(had)}"
        yield (
            f"{machine.server} runs {runs} and stays so: {systems[machine.os_id].name} comes with "
            f"`codeb fleet replace {machine.server} --stack {pulumi.get_stack()}`."
        )


def check_place(fleet: Fleet, state: State) -> None:
    """The same for servers of a first update that failed: there are no outputs yet.

    Raises:
        pulumi.RunError: region or private network have changed.
    """
    placed = [each for kind in (SERVER, DISK) for each in state.of(kind) if not each.doomed]
    for each in placed:
        _same("region", fleet.region, text(each.inputs, "region").lower() or None)
    for network in state.of(NETWORK) if placed else ():
        had = [text(network.inputs, name) for name in ("v4Subnet", "v4SubnetMask")]
        _same("vpcSubnet", f"{fleet.subnet}/{fleet.subnet_mask}", "/".join(had) if all(had) else None)


def _same(key: str, wanted: str, had: object) -> None:
    if had is not None and had != wanted:
        raise pulumi.RunError(
            f"codeb:{key} is {wanted}, but this stack's servers are in {had}: it can't be changed for servers that run. "
            "Put it back, or deploy another stack and move the data (docs/fleet.md)"
        )


def _check_machine(machine: Machine, before: Mapping[str, Any], *, anew: bool) -> None:
    had = before.get("reservedAddress")
    if had is not None and had != machine.reserved_ip and not anew:
        raise pulumi.RunError(
            f"codeb:pools: reservedIp of pool {machine.pool} can't be changed while {machine.server} runs, as its address "
            f"would change under it: put it back, or make it anew (`codeb fleet replace {machine.server}`)"
        )
    sizes = catalogue().sizes
    runs, wanted = sizes.get(str(before.get("plan"))), sizes[machine.plan]
    if runs is not None and wanted.disk_gb < runs.disk_gb and not anew:
        raise pulumi.RunError(
            f"codeb:pools: plan of pool {machine.pool} is {wanted.id} with {wanted.disk_gb} GB of disk, but "
            f"{machine.server} is {runs.id} with {runs.disk_gb} GB: Vultr makes no server smaller. Put the plan back and "
            "make another pool, or, where the pool has one server, make it anew "
            f"(`codeb fleet replace {machine.server} --stack {pulumi.get_stack()}`)"
        )


def _check_disk(machine: Machine, before: Mapping[str, Any], *, protected: bool) -> None:
    size, kind = before.get("dataDiskGb"), before.get("dataDiskType")
    if not size:
        return
    if machine.disk_gb is None:
        if protected:
            raise pulumi.RunError(
                f"codeb:pools: pool {machine.pool} has no dataDisk any more, but {machine.server}'s holds the data of all "
                f"projects: put dataDisk: {size:g}Gi back"
            )
        return
    if machine.disk_gb < size:
        raise pulumi.RunError(
            f"codeb:pools: dataDisk of pool {machine.pool} is {machine.disk_gb}Gi, but {machine.server}'s has {size:g} GB: "
            "a disk grows and never shrinks. Put the size back; to have a smaller one, restore a backup in another stack"
        )
    if kind is not None and machine.disk_type != kind:
        names: dict[object, str] = {disk.type: disk.kind for disk in catalogue().disks.values()}
        raise pulumi.RunError(
            f"codeb:pools: dataDiskType of pool {machine.pool} is {names.get(machine.disk_type)}, but {machine.server}'s "
            f"disk is {names.get(kind, kind)} and stays so, even when its server is made anew. Put it back; to have the "
            "other, restore a backup in another stack"
        )


def renewed() -> frozenset[str]:
    """The servers that this run makes anew, on purpose."""
    return frozenset(filter(None, os.environ.get(RENEW, "").split(",")))
