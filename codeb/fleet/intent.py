"""What the settings want at Vultr, as far as labels and names tell: whether something unknown is worth taking back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from codeb import managed_names
from codeb.fleet.account import Thing
from codeb.fleet.kinds import ADDRESS, BALANCER, DATABASE, DISK, OBJECTS, SERVER, SHARE, Kind
from codeb.fleet.records import Wanted
from codeb.model import Manifest, Settings
from codeb.plan import Fleet
from codeb.plan.machines import fleet_of, servers_of


@dataclass(frozen=True)
class Intent:
    """Roles by kind, for the kinds that settings tell all of; names and types of DNS records."""

    labels: dict[Kind, frozenset[str]]
    records: frozenset[Wanted]

    def wants(self, thing: Thing) -> bool:
        """Whether an update makes such a one; true where nothing tells."""
        labels = self.labels.get(thing.kind)
        return labels is None or thing.role in labels


def intent_of(settings: Settings, manifests: Iterable[Manifest], owner: str) -> Intent | None:
    """The settings' intent; None for a stack that makes no servers."""
    fleet = fleet_of(settings, servers_of(settings), ())
    if fleet is None:
        return None
    known = tuple(manifests)
    served = [name for each in known for name in each.environment.hosts]
    own = {Wanted(record.name, record.type) for record in fleet.records}
    labels = _labels(fleet, owner, len(known)) | {OBJECTS: _subscriptions(settings, owner)}
    return Intent(labels, frozenset(own | _records(served, fleet.zone)))


def _labels(fleet: Fleet, owner: str, projects: int) -> dict[Kind, frozenset[str]]:
    """Which of Valkey's services are wanted is told by what projects hold: here each that as many may take."""
    machines = fleet.machines
    databases = {managed_names.label(owner)} if fleet.postgres else set()
    databases |= {
        managed_names.valkey_label(owner, number) for number in range(projects if fleet.valkey else 0)
    }
    return {
        SERVER: frozenset(machine.label for machine in machines),
        DISK: frozenset(f"{owner}-{machine.server}" for machine in machines if machine.disk_gb is not None),
        ADDRESS: frozenset(f"{owner}-{machine.server}" for machine in machines if machine.reserved_ip),
        BALANCER: frozenset({owner} if fleet.balancer else ()),
        SHARE: frozenset({f"{owner}-certificates"} if fleet.shared else ()),
        DATABASE: frozenset(databases),
    }


def _subscriptions(settings: Settings, owner: str) -> frozenset[str]:
    wanted = settings.managed.objects
    return frozenset(managed_names.objects_label(owner, each) for each in (wanted.named if wanted else ()))


def _records(served: Collection[str], zone: str | None) -> set[Wanted]:
    if zone is None:
        return set()
    below = {name.removesuffix(f".{zone}") for name in served if name.endswith(f".{zone}")}
    return {Wanted(name, "A") for name in below | ({""} if zone in served else set())}
