"""What Vultr sells, as `codeb/data/vultr.yaml` has it written down: plans, prices, regions, operating systems.

Nothing is asked of Vultr here. What is not in the file is refused by the settings, with the nearest that is.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from codeb.tiers import ObjectTier, object_tiers

DiskKind = Literal["hdd", "nvme"]

_FILE: Final = Path(__file__).parent / "data" / "vultr.yaml"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MIB: Final = 1 << 20
_PLAIN: Final = re.compile(r"[a-z0-9 .()-]{1,60}", re.ASCII)
_APT: Final = ("debian", "ubuntu")
"""Families whose hosts we can set up."""


@dataclass(frozen=True)
class Size:
    """A plan: virtual CPUs, `memory` in bytes, disk in GB, and what it costs a month in US cents."""

    id: str
    vcpus: int
    memory: int
    disk_gb: int
    cents: int

    @property
    def family(self) -> str:
        """`vc2` of `vc2-6c-16gb`."""
        return self.id.partition("-")[0]

    @property
    def described(self) -> str:
        """`6 vCPU, 16 GB, $80.00 a month`."""
        return f"{self.vcpus} vCPU, {self.memory / (1 << 30):g} GB, ${self.cents / 100:.2f} a month"


@dataclass(frozen=True)
class Region:
    """A place. `disks` are the kinds of block storage there, None when nobody has written them down."""

    id: str
    city: str
    disks: tuple[DiskKind, ...] | None


@dataclass(frozen=True)
class System:
    """An operating system, by the number that the API calls `os_id`. `fault` says why hosts can't run on it."""

    id: int
    name: str
    family: str
    fault: str | None

    def __str__(self) -> str:
        return f"{self.id} ({self.name})"


@dataclass(frozen=True)
class Disk:
    """A kind of block storage: `type` is the API's word for it, sizes are GB."""

    kind: DiskKind
    type: str
    smallest: int
    largest: int
    usd_per_gb: float

    def cents(self, size_gb: int) -> int:
        """What a disk of this size costs a month."""
        return _cents(self.usd_per_gb * size_gb)


@dataclass(frozen=True)
class DatabaseSize:
    """A plan of a managed database: `nodes` servers of this size, the first of which serves."""

    id: str
    vcpus: int
    memory: int
    disk_gb: int
    cents: int
    nodes: int

    @property
    def described(self) -> str:
        """`2 vCPU, 4 GB, 80 GB disk, 2 nodes, $100.00 a month`."""
        nodes = f", {self.nodes} nodes" if self.nodes > 1 else ""
        size = f"{self.vcpus} vCPU, {self.memory / (1 << 30):g} GB, {self.disk_gb} GB disk"
        return f"{size}{nodes}, ${self.cents / 100:.2f} a month"


@dataclass(frozen=True)
class ManagedDatabases:
    """What there is of one managed database: plans by their ids, major versions, the oldest first."""

    plans: Mapping[str, DatabaseSize]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The whole file. Prices are of the day `date`, in US cents a month."""

    date: str
    sizes: Mapping[str, Size]
    regions: Mapping[str, Region]
    systems: Mapping[int, System]
    default_system: int
    disks: Mapping[DiskKind, Disk]
    balancer_cents: int
    most_rules: int
    reserved_ports: range
    most_firewall_rules: int
    reserved_ip_cents: int
    file_system_usd_per_gb: float
    file_system_least_gb: int
    only_in: Mapping[str, str]
    missing_in: Mapping[str, tuple[str, ...]]
    managed_postgres: ManagedDatabases
    managed_valkey: ManagedDatabases
    managed_objects: Mapping[str, ObjectTier]

    def managed_plan(self, plan: str) -> DatabaseSize | None:
        """The plan of this id, whatever service it is of; None when it is not written down."""
        return self.managed_postgres.plans.get(plan) or self.managed_valkey.plans.get(plan)

    def sold_in(self, size: Size, region: str) -> bool:
        """Whether a plan is on sale in a region; what is sold out today is not known here."""
        bound = [place for ending, place in self.only_in.items() if size.id.endswith(ending)]
        if bound:
            return region in bound
        return region not in self.only_in.values() and size.family not in self.missing_in.get(region, ())

    def file_system_cents(self, size_gb: int) -> int:
        """What a shared file system of this size costs a month."""
        return _cents(self.file_system_usd_per_gb * size_gb)

    def nearest_size(self, wanted: str, region: str) -> Size | None:
        """The plan to write instead of one that does not exist or is not sold here: the cheapest with at least as much of
        everything that the name asks for, else the one spelt most alike. None when there is none."""
        here = [size for size in self.sizes.values() if self.sold_in(size, region)]
        spelt = {size.id: size for size in here}
        tidy = re.sub(r"[\s_]+", "-", wanted.strip().lower())
        if tidy in spelt:
            return spelt[tidy]
        asked = _asked(tidy)
        if asked is None:
            close = difflib.get_close_matches(tidy, spelt, n=1)
            return spelt[close[0]] if close else None
        vcpus, memory, disk = asked
        enough = [s for s in here if s.vcpus >= vcpus and s.memory >= memory and s.disk_gb >= disk]
        family = tidy.partition("-")[0]
        return min(enough, key=lambda s: (s.cents, s.family != family, s.memory, s.id), default=None)

    def find_system(self, wanted: str) -> System | None:
        """The operating system of a number or of a name, as far as it is plain which: `2625`, `Debian 13`."""
        text = wanted.strip(" ").lower()
        if not _PLAIN.fullmatch(text):
            return None
        if text.isdigit():
            return self.systems.get(int(text))
        words = _words(text)
        found = [system for system in self.systems.values() if words and words <= _words(system.name.lower())]
        return found[0] if len(found) == 1 else None

    def fit_systems(self) -> tuple[System, ...]:
        """Those that hosts run on, the default first."""
        fit = (system for system in self.systems.values() if system.fault is None)
        return tuple(sorted(fit, key=lambda system: (system.id != self.default_system, system.id)))

    def nearest_region(self, wanted: str) -> Region | None:
        """The region that is spelt most alike, by its id or its city."""
        text = wanted.strip().lower()
        by_name = {region.city.lower(): region for region in self.regions.values()} | dict(self.regions)
        close = difflib.get_close_matches(text, by_name, n=1)
        return by_name[close[0]] if close else None


@cache
def catalogue() -> Catalogue:
    """What `codeb/data/vultr.yaml` says, read once."""
    document = yaml.load(_FILE.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader
    plans, systems, balancer = document["plans"], document["systems"], document["balancer"]
    first, last = balancer["reserved_ports"]
    return Catalogue(
        date=str(plans["date"]),
        sizes={size.id: size for size in _sizes(plans["rows"])},
        regions={
            key: Region(key, row["city"], tuple(row["disks"]) if "disks" in row else None)
            for key, row in document["regions"]["rows"].items()
        },
        systems={key: _system(key, row, systems) for key, row in systems["rows"].items()},
        default_system=systems["default"],
        disks={
            kind: Disk(kind, row["type"], row["smallest"], row["largest"], row["usd_per_gb"])
            for kind, row in document["disks"].items()
        },
        balancer_cents=_cents(balancer["usd"]),
        most_rules=balancer["most_rules"],
        reserved_ports=range(first, last + 1),
        most_firewall_rules=document["firewall"]["most_rules"],
        reserved_ip_cents=_cents(document["reserved_ip"]["usd"]),
        file_system_usd_per_gb=document["file_system"]["usd_per_gb"],
        file_system_least_gb=document["file_system"]["smallest"],
        only_in=plans["only"],
        missing_in={key: tuple(families) for key, families in plans["missing"].items()},
        managed_postgres=_databases(document["managed"]["postgres"]),
        managed_valkey=_databases(document["managed"]["valkey"]),
        managed_objects=object_tiers(document["managed"]["objects"]),
    )


def _sizes(rows: Mapping[str, Mapping[str, Any]]) -> Iterable[Size]:
    for key, row in rows.items():
        yield Size(key, row["vcpus"], row["memory"] * _MIB, row["disk"], _cents(row["usd"]))


def _databases(part: Mapping[str, Any]) -> ManagedDatabases:
    plans = {
        key: DatabaseSize(
            key, row["vcpus"], row["memory"] * _MIB, row["disk"], _cents(row["usd"]), row["nodes"]
        )
        for key, row in part["plans"].items()
    }
    return ManagedDatabases(plans, tuple(part["versions"]))


def _system(key: int, row: Mapping[str, Any], systems: Mapping[str, Any]) -> System:
    podman, quadlet, needed = row.get("podman"), systems["quadlet"], systems["needed"]
    fault = None
    if row["family"] not in _APT:
        fault = "is neither Debian nor Ubuntu, and hosts are set up with apt"
    elif podman is None:
        fault = f"has no Podman of its own, and hosts need {needed} or later"
    elif _version(podman) < _version(quadlet):
        fault = f"has Podman {podman} without Quadlet, and hosts need {needed} or later"
    elif _version(podman) < _version(needed):
        fault = f"has Podman {podman}, and hosts need {needed} or later"
    elif "ended" in row:
        fault = f"gets no security updates since {row['ended']}"
    return System(key, row["name"], row["family"], fault)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split("."))


def _cents(usd: float) -> int:
    """Rounded up; a hundredth of a cent is the noise of a float, not a price."""
    return math.ceil(round(usd * 100, 2))


def _asked(name: str) -> tuple[int, float, int] | None:
    """CPUs, memory in bytes and disk in GB that a plan's name asks for; None when it says none of the first two."""
    found = {
        unit: re.search(rf"(?:^|-)([0-9]{{1,4}}(?:\.[0-9]{{1,2}})?){unit}(?:-|$)", name)
        for unit in ("c", "gb?", "s")
    }
    if not found["c"] and not found["gb?"]:
        return None
    vcpus, memory, disk = (float(match[1]) if match else 0 for match in found.values())
    return math.ceil(vcpus), memory * (1 << 30), math.ceil(disk)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9.]+", name))
