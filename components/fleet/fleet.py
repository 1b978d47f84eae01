"""All of a stack at Vultr, put together from its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import ediri_vultr as vultr
import pulumi

from codeb import managed_names, names, plan
from codeb.model import BalancerCertificate
from components.fleet.balancer import Balancer, BalancerArgs
from components.fleet.database import Database, DatabaseArgs
from components.fleet.firewall import Firewall, FirewallArgs
from components.fleet.inside import inside
from components.fleet.keys import Keys, KeysArgs
from components.fleet.machine import Machine, MachineArgs
from components.fleet.network import Network, NetworkArgs
from components.fleet.objects import Objects, ObjectsArgs
from components.fleet.records import Records, RecordsArgs
from components.fleet.storage import Storage, StorageArgs
from components.fleet.valkey import Valkey, ValkeyArgs
from components.ready import Ready


@dataclass(frozen=True)
class FleetArgs:
    """`user_data` is by server; `renew` are the servers that this run makes anew; `keys` are public lines.

    `settled`: servers are there, so the network and their addresses stay where they are, whatever is asked for.
    `ready` waits for what can't be used yet; None takes it as it is.
    """

    fleet: plan.Fleet
    owner: str
    keys: Sequence[str]
    user_data: Mapping[str, str] = field(repr=False)
    api_key: str = field(repr=False)
    certificate: BalancerCertificate | None = None
    renew: frozenset[str] = frozenset()
    settled: bool = True
    ready: Ready | None = None


class Fleet(pulumi.ComponentResource):
    """Machines by server, and `known`: what stands for each marker of the plan (`codeb.plan.places`).

    What visitors come by, balancer and records, is there once it is `open`.
    """

    owner: str
    machines: dict[str, Machine]
    known: dict[str, pulumi.Output[str]]
    balancer: Balancer | None
    database: Database | None
    caches: dict[int, Valkey]
    objects: dict[str, Objects]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Fleet", name, None, opts)
        api_key = pulumi.Output.secret(args.api_key)
        provider = vultr.Provider(f"{name}-vultr", api_key=api_key, opts=pulumi.ResourceOptions(parent=self))
        child = inside(self, opts, providers=[provider])
        fleet, owner = args.fleet, args.owner
        self.owner = owner
        self._name, self._args, self._child, self._vultr = name, args, child, provider
        keys = Keys(f"{name}-key", KeysArgs(owner, args.keys), child)
        network = NetworkArgs(owner, fleet.region, fleet.subnet, fleet.subnet_mask, args.settled)
        self._network = Network(f"{name}-network", network, child)
        firewall = Firewall(f"{name}-firewall", FirewallArgs(owner, fleet.rules), child)
        self.machines = {
            machine.server: self._machine(machine, args, keys, firewall, child) for machine in fleet.machines
        }
        self._instances = {server: machine.id for server, machine in self.machines.items()}
        storage = self._storage(name, args, self._instances, child)
        self.balancer = None
        self.database = self._database(name, args, child)
        self.caches = self._caches(name, args, child)
        self.objects = {
            each.project: Objects(
                f"{name}-objects-{each.project}", ObjectsArgs(owner, each, fleet.protect), child
            )
            for each in fleet.objects
        }
        self.known = dict(self._known(storage))
        self.register_outputs({})

    def open(self, after: Mapping[str, pulumi.Resource] = MappingProxyType({})) -> None:
        """Let visitors come: to the servers in `after` once that is done there, to the others at once."""
        self.balancer = self._balancer(list(after.values()))
        self._records(after)

    def _machine(
        self,
        machine: plan.Machine,
        args: FleetArgs,
        keys: Keys,
        firewall: Firewall,
        opts: pulumi.ResourceOptions,
    ) -> Machine:
        wanted = MachineArgs(
            machine=machine,
            owner=args.owner,
            region=args.fleet.region,
            protect=args.fleet.protect,
            keys=keys.ids,
            network=self._network.id,
            firewall=firewall.id,
            user_data=args.user_data[machine.server],
            renew=machine.server in args.renew,
            settled=args.settled,
            ready=args.ready,
        )
        ruled = pulumi.ResourceOptions(depends_on=firewall.rules)
        return Machine(machine.server, wanted, pulumi.ResourceOptions.merge(opts, ruled))

    def _storage(
        self,
        name: str,
        args: FleetArgs,
        instances: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> Storage | None:
        shared = args.fleet.shared
        if shared is None:
            return None
        sharing = {server: instances[server] for server in shared.servers}
        wanted = StorageArgs(args.owner, args.fleet.region, shared.size_gb, sharing)
        return Storage(f"{name}-shared", wanted, opts)

    def _database(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions) -> Database | None:
        fleet = args.fleet
        if fleet.postgres is None:
            return None
        inside_only = f"{fleet.subnet}/{fleet.subnet_mask}"
        wanted = DatabaseArgs(
            args.owner, fleet.region, fleet.postgres, self._network.id, inside_only, fleet.protect
        )
        return Database(f"{name}-postgres", wanted, opts)

    def _caches(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions) -> dict[int, Valkey]:
        fleet = args.fleet
        if fleet.valkey is None:
            return {}
        inside_only = f"{fleet.subnet}/{fleet.subnet_mask}"
        return {
            number: Valkey(
                f"{name}-{managed_names.valkey(number)}",
                ValkeyArgs(
                    args.owner,
                    fleet.region,
                    fleet.valkey,
                    number,
                    self._network.id,
                    inside_only,
                    self._vultr,
                ),
                opts,
            )
            for number in fleet.valkey.numbers
        }

    def _balancer(self, after: Sequence[pulumi.Resource]) -> Balancer | None:
        args = self._args
        if args.fleet.balancer is None:
            return None
        wanted = BalancerArgs(
            args.fleet.balancer,
            args.owner,
            args.fleet.region,
            self._network.id,
            self._instances,
            args.certificate,
            args.ready,
            after,
        )
        return Balancer(self._name, wanted, self._child)

    def _records(self, after: Mapping[str, pulumi.Resource]) -> None:
        fleet = self._args.fleet
        if fleet.zone is None:
            return
        addresses = {server: machine.address for server, machine in self.machines.items()}
        if self.balancer is not None:
            addresses[plan.BALANCER] = self.balancer.address
        Records(f"{self._name}-dns", RecordsArgs(fleet.zone, fleet.records, addresses, after), self._child)

    def _known(self, storage: Storage | None) -> Mapping[str, pulumi.Output[str]]:
        found: dict[str, pulumi.Output[str]] = {}
        for server, machine in self.machines.items():
            found[names.address_marker(server)] = machine.address
            found[names.private_marker(server)] = machine.private_address
            if machine.device is not None:
                found[names.disk_marker(server)] = machine.device
        for server, tag in (storage.tags if storage else {}).items():
            found[names.share_marker(server)] = tag
        for cache in self.caches.values():
            found |= cache.known
        for objects in self.objects.values():
            found |= objects.known
        return {**found, **(self.database.known if self.database else {})}
