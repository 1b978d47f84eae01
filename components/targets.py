"""How to log in to the stack's servers: those of the settings, and the machines that an earlier run has made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from codeb.hostkeys import machine_host_key
from codeb.model import Settings
from codeb.ssh import MACHINE_PORT, MACHINE_USER, SshTarget, find_host_key
from components.secrets import Secrets


def ssh_targets(
    settings: Settings, secrets: Secrets, folder: Path, fleet: Mapping[str, Any]
) -> dict[str, SshTarget]:
    """The servers of the settings, and those of the stack's previous output `fleet`, by name.

    Raises:
        pulumi.RunError: a server's host key is not known.
    """
    listed = {server.name: ssh_target(settings, server.name, secrets, folder) for server in settings.servers}
    made = {
        name: machine_target(name, str(machine["address"]), secrets)
        for name, machine in (fleet.get("servers") or {}).items()
        if machine.get("address")
    }
    return made | listed


def machine_target(name: str, address: str, secrets: Secrets) -> SshTarget:
    """How to log in to a machine that has been given its host key."""
    key = machine_host_key(secrets.root, name)
    return SshTarget(address, MACHINE_PORT, MACHINE_USER, key.public, secrets.ssh_private_key)


def ssh_target(settings: Settings, name: str, secrets: Secrets, folder: Path) -> SshTarget:
    """How to log in to the server `name` of the settings, with its pinned host key.

    Raises:
        pulumi.RunError: the server's host key is not known.
    """
    server = next(server for server in settings.servers if server.name == name)
    host_key = server.host_key or _known_host_key(
        folder / str(server.known_hosts_file), server.address, server.ssh_port
    )
    return SshTarget(server.address, server.ssh_port, server.user, host_key, secrets.ssh_private_key)


def _known_host_key(path: Path, address: str, port: int) -> str:
    """The first key that an OpenSSH known-hosts file has for the address, as `type base64`."""
    try:
        text = path.read_text()
    except OSError as error:
        raise pulumi.RunError(
            f"codeb:servers: cannot read the known-hosts file {path.name}: {error.strerror}"
        ) from None
    found = find_host_key(text, address, port)
    if found is not None:
        return found
    raise pulumi.RunError(
        f"codeb:servers: {path.name} has no key for {address}: add one with `ssh-keyscan {address} >> {path.name}` after "
        "you have checked it"
    )
