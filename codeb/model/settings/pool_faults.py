"""What one pool can't ask for: a plan that is not sold, a disk that does not exist, facts that its servers contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic.alias_generators import to_camel

from codeb.catalogue import Region, catalogue
from codeb.model.problems import Location, refusal, shown
from codeb.model.settings.pools import Pool

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings

_ONLY_VULTR: Final = ("autoscale", "plan", "os", "data_disk", "data_disk_type", "reserved_ip")


def refuse_pool(settings: Settings, index: int) -> None:
    """Raise the refusal of what is wrong with the pool at this place of the list."""
    pool, at = settings.pools[index], ("pools", index)
    if settings.provider_of(pool) == "existing":
        _refuse_existing(settings, pool, at)
        return
    if pool.roles is None:
        raise refusal("is missing", "Add roles, for example roles: [app, edge].", at=(*at, "roles"))
    _refuse_plan(pool, settings.region, at)
    _refuse_disk(pool, catalogue().regions[settings.region], at)
    _refuse_autoscale(pool, at)
    if pool.reserved_ip and pool.most > 1:
        remedy = "Remove it, or give the server that keeps its address a pool of its own."
        raise refusal(f"{pool.most} servers can't share one address", remedy, at=(*at, "reservedIp"))


def _refuse_existing(settings: Settings, pool: Pool, at: Location) -> None:
    servers = [server for server in settings.servers if server.pool == pool.name]
    roles = {role for server in servers for role in server.roles}
    for attribute in _ONLY_VULTR:
        if getattr(pool, attribute):
            remedy = "Remove the line: servers that exist have what they have."
            raise refusal("is for servers at Vultr", remedy, at=(*at, to_camel(attribute)))
    if not servers:
        remedy = f"Give a server of codeb:servers pool: {pool.name}, or write provider: vultr."
        raise refusal("no server of codeb:servers is in this pool", remedy, at=(*at, "name"))
    if pool.count is not None and pool.count != len(servers):
        remedy = f"Write count: {len(servers)}, or remove the line."
        raise refusal(f"codeb:servers has {len(servers)} servers in this pool", remedy, at=(*at, "count"))
    if pool.roles is not None and set(pool.roles) != roles:
        remedy = f"Write roles: [{', '.join(sorted(roles))}], or remove the line: servers say their roles themselves."
        raise refusal("the servers of this pool have other roles", remedy, at=(*at, "roles"))


def _refuse_autoscale(pool: Pool, at: Location) -> None:
    if pool.autoscale is None:
        return
    alone = next((role for role in ("data", "monitoring") if role in (pool.roles or ())), None)
    if alone:
        remedy = f"Remove it, or give the server with the role {alone} a pool of its own."
        raise refusal(f"only one server can have the role {alone}", remedy, at=(*at, "autoscale"))
    least, most = pool.autoscale.min, pool.autoscale.max
    if not least <= pool.size <= most:
        remedy = f"Write a number from {least} to {most}, or remove the line."
        raise refusal(f"{pool.size} is not between autoscale's min and max", remedy, at=(*at, "count"))


def _refuse_plan(pool: Pool, region: str, at: Location) -> None:
    known, at = catalogue(), (*at, "plan")
    if pool.plan is None:
        raise refusal("is missing", "Add plan, for example plan: vc2-6c-16gb.", at=at)
    size = known.sizes.get(pool.plan)
    if size and known.sold_in(size, region):
        return
    name = shown(pool.plan)
    cause = f"{name} is not sold in region {region}" if size else f"there is no plan {name}"
    nearest = known.nearest_size(pool.plan, region)
    if nearest:
        raise refusal(cause, f"Write {nearest.id}: {nearest.described}.", at=at)
    here = [each for each in known.sizes.values() if known.sold_in(each, region)]
    largest = max(here, key=lambda each: (each.memory, each.vcpus, -each.cents))
    remedy = f"Plans look like vc2-6c-16gb; the largest in {region} is {largest.id}: {largest.described}."
    raise refusal(cause, remedy, at=at)


def _refuse_disk(pool: Pool, region: Region, at: Location) -> None:
    kind, size = pool.disk_kind, pool.disk_gb
    if kind is None or size is None:
        if pool.data_disk_type is not None:
            raise refusal(
                "there is no dataDisk", "Add dataDisk, or remove the line.", at=(*at, "dataDiskType")
            )
        return
    if "data" not in (pool.roles or ()):
        remedy = "Remove it, or add data to roles: other servers have their plan's own disk."
        raise refusal("a server without the role data keeps nothing on it", remedy, at=(*at, "dataDisk"))
    if region.disks is not None and kind not in region.disks:
        cause = f"region {region.id} ({region.city}) has no {kind} disks"
        raise refusal(cause, f"Write dataDiskType: {' or '.join(region.disks)}.", at=(*at, "dataDiskType"))
    disk = catalogue().disks[kind]
    if not disk.smallest <= size <= disk.largest:
        limits = f"Write a size between {disk.smallest}Gi and {disk.largest}Gi."
        raise refusal(f"{kind} disks don't come with {size} GB", limits, at=(*at, "dataDisk"))
