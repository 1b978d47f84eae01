"""What a stack costs a month, in US cents: per server, per pool, in all. Servers that exist already cost what nobody
knows, which is said, and is not 0.

The stack's output `costs` has this shape, amounts in US dollars without tax:

    {"currency": "USD", "as_of": "2025-12-18",     the day of the prices (codeb/data/vultr.yaml)
     "monthly": 335.0,                             all that is known
     "servers": {"app-1": 80.0, "data-1": 165.0},  a server with its disk and its reserved address
     "pools": {"default": 80.0, "data": 165.0},
     "items": {"app-1 vc2-6c-16gb": 80.0, "data-1 200 GB disk": 5.0, "balancer": 10.0},
     "unknown": ["own-1"]}                         existing servers, not in any of the sums
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from codeb import managed_names
from codeb.catalogue import Disk, catalogue
from codeb.plan.fleet import BALANCER, Fleet, Machine


@dataclass(frozen=True)
class Cost:
    """One thing that is paid for. `server` and `pool` are None for what belongs to no server; `what` is its size
    (`vc2-6c-16gb`, `200 GB disk`), "" for what comes in one size."""

    name: str
    what: str
    cents: int
    server: str | None = None
    pool: str | None = None

    @property
    def key(self) -> str:
        """`app-1 vc2-6c-16gb`."""
        return f"{self.name} {self.what}".strip()


@dataclass(frozen=True)
class Costs:
    """All that is known, and the names of the servers of which nothing is. `as_of` is the day of the prices."""

    items: tuple[Cost, ...] = ()
    unknown: tuple[str, ...] = ()
    as_of: str = ""

    @property
    def cents(self) -> int:
        """What is known, a month."""
        return sum(item.cents for item in self.items)

    @property
    def output(self) -> dict[str, Any]:
        """The stack's output `costs`."""
        return {
            "currency": "USD",
            "as_of": self.as_of,
            "monthly": self.cents / 100,
            "servers": _sums((item.server, item.cents) for item in self.items),
            "pools": _sums((item.pool, item.cents) for item in self.items),
            "items": _sums((item.key, item.cents) for item in self.items),
            "unknown": list(self.unknown),
        }


def costs_of(fleet: Fleet | None, existing: Iterable[str]) -> Costs:
    """What the fleet costs, beside the servers that exist."""
    if fleet is None:
        return Costs((), tuple(existing))
    return Costs(tuple(_items(fleet)), tuple(existing), catalogue().date)


def cost_line(costs: Costs, previous: object) -> str:
    """What a preview says: the change against the previous run's output `costs`, "" when there is none.

    "+$80.00 a month: app-3 vc2-6c-16gb", or the whole at the first run: "$335.00 a month: …, + 2 existing servers, unknown".
    """
    now = {item.key: item.cents for item in costs.items}
    before = _previous_items(previous)
    if before is None:
        if not now:
            return ""
        return f"{_usd(costs.cents)} a month: {', '.join(_amounts(now))}{_unknown(costs.unknown)}"
    if now == before:
        return ""
    change = sum(now.values()) - sum(before.values())
    changed = {
        key: now.get(key, 0) - before.get(key, 0)
        for key in dict.fromkeys((*now, *before))
        if now.get(key) != before.get(key)
    }
    said = [f"{'' if key in now else 'without '}{key}" for key in changed]
    if len(said) > 1:
        said = [
            f"{text} {_usd(cents, sign=True)}" for text, cents in zip(said, changed.values(), strict=True)
        ]
    return f"{_usd(change, sign=True)} a month: {', '.join(said)}"


def _items(fleet: Fleet) -> Iterator[Cost]:
    known = catalogue()
    for machine in fleet.machines:
        yield from _of_machine(machine)
    if fleet.postgres:
        size = known.managed_postgres.plans[fleet.postgres.plan]
        yield Cost("managed postgres", size.id, size.cents)
    if fleet.valkey:
        size = known.managed_valkey.plans[fleet.valkey.plan]
        for number in fleet.valkey.numbers:
            yield Cost(f"managed {managed_names.valkey(number)}", size.id, size.cents)
    for each in fleet.objects:
        yield Cost(f"objects of {each.project}", each.tier, known.managed_objects[each.tier].cents)
    if fleet.balancer:
        yield Cost(BALANCER, "", known.balancer_cents)
    if fleet.shared:
        size_gb = fleet.shared.size_gb
        yield Cost("shared storage", f"{size_gb} GB", known.file_system_cents(size_gb))


def _of_machine(machine: Machine) -> Iterator[Cost]:
    known, server, pool = catalogue(), machine.server, machine.pool
    yield Cost(server, machine.plan, known.sizes[machine.plan].cents, server, pool)
    if machine.disk_gb and machine.disk_type:
        what = f"{machine.disk_gb} GB {_disk(machine.disk_type).kind} disk"
        yield Cost(server, what, _disk(machine.disk_type).cents(machine.disk_gb), server, pool)
    if machine.reserved_ip:
        yield Cost(server, "reserved address", known.reserved_ip_cents, server, pool)


def _disk(type_: str) -> Disk:
    return next(disk for disk in catalogue().disks.values() if disk.type == type_)


def _sums(amounts: Iterable[tuple[str | None, int]]) -> dict[str, float]:
    found: dict[str, int] = {}
    for key, cents in amounts:
        if key is not None:
            found[key] = found.get(key, 0) + cents
    return {key: cents / 100 for key, cents in found.items()}


def _previous_items(previous: object) -> dict[str, int] | None:
    """The items of an earlier output; None when there is none that can be understood."""
    items = previous.get("items") if isinstance(previous, Mapping) else None
    if not isinstance(items, Mapping):
        return None
    return {str(key): round(usd * 100) for key, usd in items.items() if isinstance(usd, (int, float))}


def _amounts(items: Mapping[str, int]) -> Iterator[str]:
    for key, cents in items.items():
        yield f"{key} {_usd(cents)}"


def _unknown(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f", + {len(names)} existing server{'s' if len(names) > 1 else ''}, unknown"


def _usd(cents: int, *, sign: bool = False) -> str:
    mark = "-" if cents < 0 else "+" if sign else ""
    return f"{mark}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
