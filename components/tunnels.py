"""Tunnels through the data server, opened as soon as it is there: to its own services, and to the one that Vultr runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from codeb.ssh import SshTarget
from components.config import Stack
from components.managed import ManagedArgs, ManagedPostgres
from components.servers import Servers
from components.targets import machine_target
from components.tunnel import Far, TunnelError, local_port, open_tunnel

if TYPE_CHECKING:  # most stacks have nothing at Vultr, whose SDK takes a quarter of the program's start
    from components.fleet.database import Database

PREVIEW_WAIT_SECONDS = 0
UPDATE_WAIT_SECONDS = 30


class Tunnels:
    """Of one stack's data server."""

    def __init__(self, stack: Stack, servers: Servers) -> None:
        self._stack, self._servers, self._name = stack, servers, stack.plan.data.server

    def near(self, service: str) -> int:
        """The local end of the tunnel to a service."""
        return local_port(f"{self._stack.name}/{self._name}/{service}")

    def through(self, ports: Mapping[int, int]) -> pulumi.Input[pulumi.Resource]:
        """The server's bundle once its tunnel is open: at once, or as soon as a machine is there and has its services."""
        bundle, machine = self._servers[self._name].bundle, self._servers.machine(self._name)
        if machine is None:
            self._open(self._stack.targets[self._name], ports)
            return bundle

        def opened(facts: Sequence[str]) -> pulumi.Resource:
            self._open(machine_target(self._name, facts[0], self._stack.secrets), ports)
            return bundle

        return pulumi.Output.all(machine.address, bundle.stdout).apply(opened)

    def beyond(self, near: int, database: Database) -> pulumi.Input[pulumi.Resource]:
        """The same, to a service that the server reaches in the private network."""
        bundle, machine = self._servers[self._name].bundle, self._servers.machine(self._name)
        address = machine.address if machine else ""

        def opened(facts: Sequence[str | int]) -> pulumi.Resource:
            found, host, port, _ = facts
            known = machine_target(self._name, str(found), self._stack.secrets) if machine else None
            self._open(known or self._stack.targets[self._name], {near: (str(host), int(port))})
            return bundle

        return pulumi.Output.all(address, database.host, database.port, bundle.stdout).apply(opened)

    def _open(self, target: SshTarget, ports: Mapping[int, Far]) -> None:
        """A preview can do without the tunnel, an update can't."""
        preview = pulumi.runtime.is_dry_run()
        wait = PREVIEW_WAIT_SECONDS if preview else UPDATE_WAIT_SECONDS
        try:
            open_tunnel(target, ports, wait, known=self._stack.previous is not None)
        except TunnelError as error:
            if not preview:
                raise pulumi.RunError(str(error)) from None
            pulumi.log.warn(f"{error}. The preview goes on without it; an update would stop here.")


def managed_postgres(
    tunnels: Tunnels, servers: Servers, opts: pulumi.ResourceOptions
) -> ManagedPostgres | None:
    """The provider of the service that Vultr runs; None on a stack without one."""
    database = servers.database
    if database is None:
        return None
    near = tunnels.near("managed-postgres")
    waiting = pulumi.ResourceOptions(depends_on=[tunnels.beyond(near, database)])
    merged = pulumi.ResourceOptions.merge(opts, waiting)
    return ManagedPostgres("managed", ManagedArgs(near, database), merged)
