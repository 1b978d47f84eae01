"""A server that exists already: the agent on it, and everything that belongs to the host, applied as one bundle."""

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
    """`bundle` is the agent's `apply` document as JSON text, which contains secrets; `summary` says of it what is none."""

    target: SshTarget
    agent: bytes
    bundle: str
    summary: Summary
    earlier: Reading
    told: Told
    address: str
    roles: tuple[str, ...]


class Server(pulumi.ComponentResource):
    """Brings a reachable Debian host to what the plan says.

    Children: `<name>-agent` installs the agent, `<name>-bundle` applies the host's files and starts its services. Deleting
    the bundle takes the platform off the host and moves its data aside.
    """

    connection: remote.ConnectionArgs
    bundle: remote.Command

    def __init__(self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "codeb:server:Server", name, {"address": args.address, "roles": list(args.roles)}, opts
        )
        self.connection = connection(args.target)
        agent = remote.Command(
            f"{name}-agent",
            connection=self.connection,
            create=INSTALL_AGENT,
            stdin=base64.b64encode(args.agent).decode(),
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        args.told.bundle(f"{name}-bundle", name, args.earlier)
        self.bundle = remote.Command(
            f"{name}-bundle",
            connection=self.connection,
            create=APPLY,
            delete=described(RETIRE, args.summary),
            stdin=pulumi.Output.secret(args.bundle),
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[agent], hooks=args.told.hooks),
        )
        self.register_outputs({"address": args.address})


def connection(target: SshTarget) -> remote.ConnectionArgs:
    """How the command provider reaches the server, its host key pinned."""
    options: dict[str, Any] = {} if target.port == 22 else {"port": target.port}
    return remote.ConnectionArgs(
        host=target.address,
        user=target.user,
        private_key=target.private_key,
        host_key=target.host_key,
        dial_error_limit=DIAL_ERROR_LIMIT,
        **options,
    )
