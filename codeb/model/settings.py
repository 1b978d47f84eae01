"""Settings of a stack: the plain keys `codeb:…` of `Pulumi.<stack>.yaml`. Secret values never come here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from codeb import names
from codeb.model import types as t
from codeb.model.findings import findings
from codeb.model.problems import Problem, SettingsErrors, path_text, refusal, shown

T = TypeVar("T")

Role = Literal["app", "data", "edge"]

_LaxNumber = Field(strict=False)
"""Pulumi's configuration keeps numbers as text."""
_Optional = Annotated[T | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A key whose default in `Pulumi.yaml` is the empty text."""


class Setting(BaseModel):
    """What all settings have in common: camelCase outside, unknown keys refused."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True
    )


class Server(Setting):
    """One machine of the stack."""

    name: t.ServerName
    """Name of the server, for people and resource names."""
    address: t.HostName
    """Address that SSH reaches from where Pulumi runs."""
    private_address: t.IPv4 = Field(default_factory=lambda known: known["address"], validate_default=True)
    """Address that the other servers and the containers reach; the address when left out."""
    ssh_port: Annotated[t.Port, _LaxNumber] = 22
    """Port of sshd."""
    user: t.UserName = "root"
    """User that SSH logs in as."""
    roles: Annotated[t.Items[Role], Field(min_length=1)] = ("app", "data", "edge")
    """What the server does: app runs projects, data holds PostgreSQL, Redis and MinIO, edge runs Caddy."""
    pool: t.PoolName = "default"
    """Pool that manifests name in servers.pool."""
    host_key: _Optional[t.HostKey] = None
    """The server's SSH host key."""
    known_hosts_file: _Optional[t.FilePath] = None
    """File in OpenSSH's known_hosts format that has the server's host key."""

    @model_validator(mode="after")
    def _host_key_known(self) -> Self:
        if (self.host_key is None) == (self.known_hosts_file is None):
            found = "no host key" if self.host_key is None else "two sources of the host key"
            raise refusal(f"server {self.name} has {found}", "Write either hostKey or knownHostsFile.")
        return self


class Images(Setting):
    """Images of the platform's services."""

    postgres: t.ImageReference = "docker.io/library/postgres:16-alpine"
    """PostgreSQL 16."""
    redis: t.ImageReference = "docker.io/library/redis:7-alpine"
    """Redis 7."""
    minio: t.ImageReference = "docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z"
    """MinIO, in the fork that is still maintained."""
    caddy: t.ImageReference = "docker.io/library/caddy:2.11-alpine"
    """Caddy 2."""


class Settings(Setting):
    """Plain settings of a stack."""

    domain: t.DomainName
    """Platform domain; its hosts minio, s3 and metrics are the platform's own."""
    manifests: t.FilePath = "manifests"
    """Folder of the manifests, relative to `Pulumi.yaml`."""
    provider: Literal["existing", "vultr"] = "existing"
    """Where servers come from: existing takes `servers`, vultr creates them."""
    servers: Annotated[tuple[Server, ...], Field(strict=False, max_length=100)] = ()
    """The existing servers."""
    ssh_private_key_file: _Optional[t.FilePath] = None
    """File with the key that opens the servers, when it is not in the secret sshPrivateKey."""
    root_secret_file: _Optional[t.FilePath] = None
    """File with the root secret, when it is not in the secret rootSecret."""
    images: Images = Images()
    """Images of the platform's services."""
    image_pull: Literal["missing", "never"] = "missing"
    """Whether hosts pull the platform's images or only use those they have."""
    tls_issuer: Literal["acme", "internal"] = "acme"
    """Who signs the sites' certificates."""
    acme_email: _Optional[t.Email] = None
    """Contact of the ACME account."""
    insecure_registries: t.Items[t.RegistryHost] = ()
    """Registries reached without TLS; for labs only."""
    admin_addresses: t.Items[t.AddressRange] = ()
    """Addresses and networks that people and pipelines log in from: trusted, so Fail2Ban never shuts them out."""
    standby_minutes: Annotated[int, _LaxNumber, Field(ge=0, le=7 * 24 * 60)] = 60
    """Minutes that the previous release stands by after a switch."""

    @property
    def platform_hosts(self) -> dict[str, str]:
        """The platform's own host names, by label: `minio` console, `s3` signed URLs, `metrics` internal."""
        return names.platform_hosts(self.domain)

    @property
    def app_pools(self) -> frozenset[str]:
        """Pools that have a server which runs projects."""
        return frozenset(server.pool for server in self.servers if "app" in server.roles)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.provider == "existing":
            _check_servers(self.servers)
        return self


def _check_servers(servers: tuple[Server, ...]) -> None:
    for role in ("app", "data", "edge"):
        count = sum(role in server.roles for server in servers)
        if count == 0 or (role == "data" and count > 1):
            wanted = "exactly one server" if role == "data" else "a server"
            raise refusal(
                f"{count} servers have the role {role}", f"Give {wanted} the role {role}.", at=("servers",)
            )
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


def parse_settings(data: Mapping[str, Any], stack: str = "<stack>") -> Settings:
    """Settings from the keys of a stack's configuration, without the prefix `codeb:`.

    Raises:
        SettingsErrors: every key that is missing, unknown or wrong, named like `codeb:servers[0].address`.
    """
    try:
        return Settings.model_validate(dict(data))
    except ValidationError as error:
        raise SettingsErrors(
            Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:{path_text(found.path)}", found.cause, found.remedy)
            for found in findings(error, Settings)
        ) from None
