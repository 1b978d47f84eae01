"""`codeb:servers`: machines that exist already."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import ROLES, Number, Optional, ServerRole, Setting


class Server(Setting):
    """One machine of the stack."""

    name: t.ServerName
    """Name of the server, for people and resource names."""
    address: t.HostName
    """Address that SSH reaches from where Pulumi runs."""
    private_address: t.IPv4 = Field(default_factory=lambda known: known["address"], validate_default=True)
    """Address that the other servers and the containers reach; the address when left out."""
    ssh_port: Annotated[Number, Field(ge=1, le=65535)] = 22
    """Port of sshd."""
    user: t.UserName = "root"
    """User that SSH logs in as."""
    roles: Annotated[t.Items[ServerRole], Field(min_length=1)] = ROLES
    """What the server does: app runs projects, data holds PostgreSQL, Redis and MinIO, edge runs Caddy."""
    pool: t.PoolName = "default"
    """Pool that manifests name in servers.pool."""
    host_key: Optional[t.HostKey] = None
    """The server's SSH host key."""
    known_hosts_file: Optional[t.FilePath] = None
    """File in OpenSSH's known_hosts format that has the server's host key."""

    @model_validator(mode="after")
    def _host_key_known(self) -> Self:
        if (self.host_key is None) == (self.known_hosts_file is None):
            found = "no host key" if self.host_key is None else "two sources of the host key"
            raise refusal(f"server {self.name} has {found}", "Write either hostKey or knownHostsFile.")
        return self


def refuse_shared(servers: tuple[Server, ...]) -> None:
    """Raise the refusal of a name or an address that two servers have."""
    for attribute in ("name", "address", "private_address"):
        seen: set[str] = set()
        for index, server in enumerate(servers):
            value: str = getattr(server, attribute)
            key = value if attribute != "address" else f"{value}:{server.ssh_port}"
            if key in seen:
                remedy = "Give each server its own."
                raise refusal(
                    f"{shown(value)} is used twice", remedy, at=("servers", index, to_camel(attribute))
                )
            seen.add(key)
