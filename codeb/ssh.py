"""How OpenSSH is called, as values: where to log in, options that pin the host key, what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_ALIAS: Final = "codeb-server"
"""The name under which the pinned key is looked up, whatever address or port the server has."""


@dataclass(frozen=True)
class SshTarget:
    """Where and how to log in. `host_key` is one line of a host's public key, as in `ssh-ed25519 AAAA…`."""

    address: str
    port: int
    user: str
    host_key: str
    private_key: str = field(repr=False)

    @property
    def where(self) -> str:
        """The login in words."""
        return f"{self.user}@{self.address} port {self.port}"


def known_hosts(target: SshTarget) -> str:
    """The content of a known-hosts file that lets in this one server."""
    return f"{_ALIAS} {target.host_key}\n"


def arguments(
    target: SshTarget, key_file: str, known_hosts_file: str, options: Mapping[str, str]
) -> list[str]:
    """`ssh`'s arguments up to the address, and the address; the remote command follows. Nothing secret is in it.

    Only the pinned key is accepted, only the given key is offered, nothing is asked, and no configuration is read.
    """
    fixed = {
        "BatchMode": "yes",
        "HostKeyAlias": _ALIAS,
        "IdentitiesOnly": "yes",
        "IdentityFile": key_file,
        "LogLevel": "ERROR",
        "ServerAliveInterval": "5",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known_hosts_file,
    }
    pairs = [
        part for name, value in sorted((fixed | dict(options)).items()) for part in ("-o", f"{name}={value}")
    ]
    return ["-F", "none", *pairs, "-p", str(target.port), "-l", target.user, "--", target.address]


def find_host_key(text: str, address: str, port: int) -> str | None:
    """The first key that the text of a known-hosts file has for the address, as `type base64`."""
    wanted = address if port == 22 else f"[{address}]:{port}"
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and wanted in fields[0].split(","):
            return f"{fields[1]} {fields[2]}"
    return None


def explain(target: SshTarget, problem: str) -> str:
    """What OpenSSH said, and what to do about it."""
    if "Host key verification failed" in problem or "IDENTIFICATION HAS CHANGED" in problem:
        remedy = "the server's key is not the pinned one: check the server, then mend hostKey or the known-hosts file"
    elif "Permission denied" in problem:
        remedy = "put the public half of the stack's SSH key into the server's authorized_keys"
    elif "Address already in use" in problem or "forwarding" in problem:
        remedy = "another program holds the local port: end it and run again"
    else:
        remedy = "check that the server is up and that its firewall lets this machine in on the SSH port"
    return f"{target.where}: {problem.splitlines()[-1]}; {remedy}"
