"""The first connection to a machine: it gives the host key that every later connection pins."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
from pulumi_command import remote

from codeb.hostkeys import SshKey

GIVE_HOST_KEY = (
    "set -e; umask 077; "
    "if command -v cloud-init > /dev/null; then timeout 300 cloud-init status --wait > /dev/null || true; fi; "
    "cd /etc/ssh; cat > ssh_host_ed25519_key.new; ssh-keygen -y -f ssh_host_ed25519_key.new > ssh_host_ed25519_key.pub.new; "
    "chmod 644 ssh_host_ed25519_key.pub.new; mv ssh_host_ed25519_key.pub.new ssh_host_ed25519_key.pub; "
    "mv ssh_host_ed25519_key.new ssh_host_ed25519_key; systemctl reload ssh"
)
"""Safe to repeat, after a kill at any point too. A degraded cloud-init (exit status 2) is no reason to stop: sshd is up."""


@dataclass(frozen=True)
class AccessArgs:
    """`first` is how to log in with the host key from user data pinned; `machine` the id of the instance."""

    first: remote.ConnectionArgs
    host_key: SshKey = field(repr=False)
    machine: pulumi.Input[str]


class Access(pulumi.ComponentResource):
    """`<name>-access` runs once for each machine: a machine made anew is given its key again."""

    given: remote.Command

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:access:Access", name, None, opts)
        self.given = remote.Command(
            f"{name}-access",
            connection=args.first,
            create=GIVE_HOST_KEY,
            stdin=pulumi.Output.secret(args.host_key.private),
            triggers=[args.machine],
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
