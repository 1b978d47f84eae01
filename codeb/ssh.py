"""How OpenSSH is called, as values: where to log in, options that pin the host key, what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MACHINE_PORT: Final = 22
MACHINE_USER: Final = "root"
"""How machines that the stack has made itself are logged in to."""

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


def login_refused(problem: str) -> bool:
    """Whether sshd was reached and took none of our keys: no retry mends that, and each one counts with Fail2Ban."""
    return "Permission denied" in problem


def explain(target: SshTarget, problem: str, *, known: bool = False) -> str:
    """What OpenSSH said, and what to do about it. `known`: this machine or the registry knows of an earlier login."""
    if "Host key verification failed" in problem or "IDENTIFICATION HAS CHANGED" in problem:
        remedy = "the server's key is not the pinned one: check the server, then mend hostKey or the known-hosts file"
    elif login_refused(problem):
        remedy = (
            "put the public half of the stack's SSH key into the server's authorized_keys before you try again: five "
            "refused logins in ten minutes shut an address out for an hour, unless codeb:adminAddresses names it"
        )
    elif "Address already in use" in problem or "forwarding" in problem:
        remedy = "another program holds the local port: end it and run again"
    elif "refused" in problem:
        remedy = _BANNED if known else f"{_DOWN}. If it let this machine in before: {_BANNED}"
    elif "kex_exchange_identification" in problem or "Not allowed at this time" in problem:
        remedy = (
            "sshd turns connections away: it does so for seconds or minutes after refused logins from an address, and "
            "while it has too many connections. Wait a minute and run again"
        )
    else:
        remedy = _DOWN
    return f"{target.where}: {problem.splitlines()[-1]}; {remedy}"


_DOWN: Final = "check that the server is up and that its firewall lets this machine in on the SSH port"
_BANNED: Final = (
    "if the server is up, Fail2Ban has shut this machine's address out after refused logins, for an hour at first. From the "
    "provider's console or another address, `fail2ban-client banned` shows it and `fail2ban-client set sshd unbanip "
    "ADDRESS` lifts it; addresses in codeb:adminAddresses are never shut out (docs/operations.md, Shut out)"
)
