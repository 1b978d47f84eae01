"""A server that can be logged in to: the agent on it, and everything that belongs to the host, applied as one bundle."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote

from codeb.changes import Summary
from codeb.ssh import SshTarget
from components.told import Reading, Told, described

INSTALL_AGENT = (
    "set -e; umask 022; d=/usr/local/lib/codeb; mkdir -p $d /usr/local/bin; base64 -d > $d/agent.pyz.new; "
    "chmod 755 $d/agent.pyz.new; $d/agent.pyz.new precompile > /dev/null; mv $d/agent.pyz.new $d/agent.pyz; "
    "ln -sfn $d/agent.pyz /usr/local/bin/codeb-agent; codeb-agent version"
)
APPLY = 'answer=$(codeb-agent apply) && printf "%s" "$answer"'
RETIRE = "codeb-agent retire"

DIAL_ERROR_LIMIT = 70
"""Dials before giving up on a server that is still booting: about five minutes (pulumi-command #1238)."""


@dataclass(frozen=True)
class ServerArgs:
    """`bundle` is the agent's `apply` document as JSON text, which contains secrets; `summary` says of it what is none.

    `made` is the machine when the stack has made it itself, None for a server that exists already.
    """

    connection: remote.ConnectionArgs
    agent: bytes
    bundle: pulumi.Input[str]
    summary: Summary
    earlier: Reading
    told: Told
    address: pulumi.Input[str]
    roles: tuple[str, ...]
    made: Made | None = None


@dataclass(frozen=True)
class Made:
    """A machine of the stack's own: what is done on it is done again on one made anew (another `id`).

    Nothing on it is deleted with it: what is deleted with another resource is replaced with it too, databases included.
    """

    id: pulumi.Output[str]
    access: pulumi.Resource


class Server(pulumi.ComponentResource):
    """Brings a reachable Debian host to what the plan says.

    Children: `<name>-agent` installs the agent, `<name>-bundle` applies the host's files and starts its services. Deleting
    the bundle takes the platform off the host and moves its data aside.
    """

    connection: remote.ConnectionArgs
    bundle: remote.Command
    made: Made | None

    def __init__(self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "codeb:server:Server", name, {"address": args.address, "roles": list(args.roles)}, opts
        )
        self.connection, self.made = args.connection, args.made
        agent = remote.Command(
            f"{name}-agent",
            connection=self.connection,
            create=self.here(INSTALL_AGENT),
            stdin=base64.b64encode(args.agent).decode(),
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[args.made.access] if args.made else None,
            ),
        )
        args.told.bundle(f"{name}-bundle", name, args.earlier)
        self.bundle = remote.Command(
            f"{name}-bundle",
            connection=self.connection,
            create=self.here(APPLY),
            delete=described(RETIRE, args.summary),
            stdin=pulumi.Output.secret(args.bundle),
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[agent],
                hooks=args.told.hooks,
            ),
        )
        self.register_outputs({"address": args.address})

    def here(self, command: str) -> pulumi.Input[str]:
        """A command of this server: on a machine made anew, which may have the old one's address, it is another one.

        No trigger says so, as that would replace the resource, and what is replaced is deleted: on the new machine.
        """
        if self.made is None:
            return command
        return self.made.id.apply(lambda machine: f"{command}\n# on {machine}")


def connection(target: SshTarget) -> remote.ConnectionArgs:
    """How the command provider reaches a server, its host key pinned."""
    return connection_to(target.address, target.port, target.user, target.private_key, target.host_key)


def connection_to(
    address: pulumi.Input[str], port: int, user: str, private_key: str, host_key: str
) -> remote.ConnectionArgs:
    """The same where the address is not known yet."""
    options: dict[str, Any] = {} if port == 22 else {"port": port}
    return remote.ConnectionArgs(
        host=address,
        user=user,
        private_key=private_key,
        host_key=host_key,
        dial_error_limit=DIAL_ERROR_LIMIT,
        **options,
    )
