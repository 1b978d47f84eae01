"""The stack's servers: machines that it makes, and on each server, made or found, the agent and its bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_command import remote

from agent.program.build import zipapp
from codeb.changes import bundle_summary
from codeb.fleet import arriving
from codeb.hostkeys import SshKey, machine_first_key, machine_host_key
from codeb.plan import Fleet as FleetPlan
from codeb.plan.places import Known
from codeb.render import admins_document, export_texts, host_bundle, outside_texts, second_texts
from codeb.secrets import PlatformSecrets, resolve
from codeb.ssh import MACHINE_PORT, MACHINE_USER
from components.access import Access, AccessArgs
from components.config import Stack
from components.documents import Drafts, changes_digest, earlier_bundle
from components.places import Places
from components.running import renewed
from components.server import Made, Server, ServerArgs, connection, connection_to
from components.serving import serving
from components.told import Told

if TYPE_CHECKING:
    from components.fleet import Fleet, Machine
    from components.fleet.database import Database
    from components.fleet.objects import Objects
    from components.fleet.valkey import Valkey


class Servers:
    """Declares them all. `places` tells what the cloud knows of the machines among them."""

    places: Places

    def __init__(
        self, name: str, stack: Stack, drafts: Drafts, told: Told, opts: pulumi.ResourceOptions
    ) -> None:
        self._stack, self._drafts, self._told, self._opts = stack, drafts, told, opts
        self._digest = changes_digest(stack.secrets.root)
        outside = outside_texts(stack.secrets.outside, stack.name.rpartition("/")[2])
        beside = {**second_texts(stack.secrets.backup), **export_texts(stack.secrets.monitoring)}
        self._configured = {**outside, **beside}
        self._told_machines: dict[str, str] = {}
        self._arriving: frozenset[str] = frozenset()
        self._fleet = self._declare_fleet(name, stack.plan.fleet) if stack.plan.fleet else None
        self.places = Places(self._fleet.known if self._fleet else {})
        agent = zipapp()
        self._servers = {server.name: self._server(server.name, agent) for server in stack.plan.servers}

    def __getitem__(self, name: str) -> Server:
        return self._servers[name]

    def machine(self, name: str) -> Machine | None:
        """The machine of this server; None when it existed before."""
        return self._fleet.machines.get(name) if self._fleet else None

    def open(self, sites: Mapping[str, Sequence[pulumi.Resource]]) -> None:
        """Let visitors come to the edges at Vultr; `sites` are what each server has of projects."""
        if self._fleet is None:
            return
        bundles = [server.bundle for server in self._servers.values()]
        found = {
            name: serving(name, self._servers[name], arrives=True, after=[*bundles, *sites.get(name, ())])
            if name in self._arriving
            else serving(name, self._servers[name], arrives=False)
            for name in self._edges()
        }
        self._fleet.open({name: found[name] for name in sorted(self._arriving)})

    def _edges(self) -> list[str]:
        """Those at Vultr."""
        machines = self._fleet.machines if self._fleet else {}
        return [name for name, machine in machines.items() if "edge" in machine.plan.roles]

    @property
    def database(self) -> Database | None:
        """The PostgreSQL that Vultr runs for the stack; None without one."""
        return self._fleet.database if self._fleet else None

    @property
    def caches(self) -> Mapping[int, Valkey]:
        """The services of Valkey that Vultr runs for the stack, by the number of the Redis in whose place each is."""
        return self._fleet.caches if self._fleet else {}

    def objects(self, project: str) -> Objects:
        """The project's subscription of Object Storage; KeyError without one."""
        return (self._fleet.objects if self._fleet else {})[project]

    def facts(self) -> dict[str, Any]:
        """The output `servers`: where each is and what it does."""
        found = {}
        for server in self._stack.plan.servers:
            machine = self.machine(server.name)
            address = machine.address if machine else server.address
            found[server.name] = {"address": address, "roles": list(server.roles)}
        return found

    def fleet_facts(self) -> dict[str, Any]:
        """The output `fleet`, by which the operator's commands and the next run find the machines, and `costs`."""
        plan, fleet = self._stack.plan.fleet, self._fleet
        if plan is None or fleet is None:
            return {}
        servers = {name: self._machine_facts(name, machine) for name, machine in fleet.machines.items()}
        balancer = {"id": fleet.balancer.id, "address": fleet.balancer.address} if fleet.balancer else None
        subnet = f"{plan.subnet}/{plan.subnet_mask}"
        facts = {"owner": fleet.owner, "region": plan.region, "subnet": subnet, "protect": plan.protect}
        records = [{"name": record.name, "type": record.type} for record in plan.records]
        dns = {"zone": plan.zone, "records": records}
        fleet_output = facts | dns | {"servers": servers, "balancer": balancer}
        return {"fleet": fleet_output, "costs": self._stack.plan.costs.output}

    def _machine_facts(self, name: str, machine: Machine) -> dict[str, Any]:
        server, plan = self._stack.plan.server(name), machine.plan
        return {
            "id": machine.id,
            "address": machine.address,
            "privateAddress": machine.private_address,
            "hostKey": machine_host_key(self._stack.secrets.root, name).public,
            "pool": server.pool,
            "roles": list(server.roles),
            "os": machine.instance.os_id,
            "reservedAddress": plan.reserved_ip,
            "dataDiskGb": plan.disk_gb,
            "dataDiskType": machine.disk_type,
            "plan": machine.instance.plan,
        }

    def _declare_fleet(self, name: str, plan: FleetPlan) -> Fleet:
        """Imported here: most stacks have no machines, and Vultr's SDK takes a quarter of the program's start."""
        from components.account import AccountCheck
        from components.fleet import Fleet
        from components.machines import fleet_args, machine_facts

        stack = self._stack
        self._told_machines = machine_facts(stack.secrets)
        args = fleet_args(plan, stack.secrets, stack.plan.settings.ssh_keys)
        check = AccountCheck(stack.plan, plan, args.owner, args.api_key, stack.folder)
        check.before()
        args = replace(args, settled=check.settled)
        watched = pulumi.ResourceOptions(hooks=check.hooks())
        edges = [machine.server for machine in plan.machines if "edge" in machine.roles]
        self._arriving = arriving(edges, check.state, stack.fleet, renewed())
        return Fleet(name, args, pulumi.ResourceOptions.merge(self._opts, watched))

    def _server(self, name: str, agent: bytes) -> Server:
        plan = self._stack.plan.server(name)
        machine = self.machine(name)
        draft = self._bundle(name, self._drafts.examples)
        args = ServerArgs(
            connection=self._connection(name, machine),
            agent=agent,
            bundle=self.places.when_known(self._drafts.needs(draft), partial(self._bundle, name)),
            summary=bundle_summary(json.loads(draft), self._digest),
            earlier=partial(earlier_bundle, digest=self._digest),
            told=self._told,
            address=machine.address if machine else plan.address,
            roles=plan.roles,
            made=self._made(name, machine) if machine else None,
        )
        return Server(name, args, self._opts)

    def _made(self, name: str, machine: Machine) -> Made:
        root = self._stack.secrets.root
        first = self._connect(machine, machine_first_key(root, name))
        access = Access(name, AccessArgs(first, machine_host_key(root, name), machine.id), self._opts)
        return Made(machine.id, access.given)

    def _connection(self, name: str, machine: Machine | None) -> remote.ConnectionArgs:
        if machine is None:
            return connection(self._stack.targets[name])
        return self._connect(machine, machine_host_key(self._stack.secrets.root, name))

    def _connect(self, machine: Machine, host_key: SshKey) -> remote.ConnectionArgs:
        return connection_to(
            machine.address,
            MACHINE_PORT,
            MACHINE_USER,
            self._stack.secrets.ssh_private_key,
            host_key.public,
        )

    def admins(self) -> str:
        """The document of `codeb-agent settle`, secrets included."""
        secrets = PlatformSecrets(self._stack.secrets.root, [])
        return resolve_json(json.dumps(admins_document(self._stack.plan), sort_keys=True), secrets.lookup)

    def _bundle(self, name: str, known: Known) -> str:
        """The document of `codeb-agent apply` for a server, secrets included."""
        plan = self._drafts.at(known)
        hosts = [plan.data.host, "127.0.0.1"]
        secrets = PlatformSecrets(
            self._stack.secrets.root, hosts, self._configured, {**self._told_machines, **known}
        )
        document = host_bundle(plan, plan.server(name), self._configured.keys())
        return resolve_json(json.dumps(document, sort_keys=True), secrets.lookup)


def resolve_json(document: str, lookup: Callable[[str, str], str]) -> str:
    """Fill secret markers inside JSON text, each value escaped as JSON."""
    return resolve(document, lambda kind, purpose: json.dumps(lookup(kind, purpose))[1:-1])
