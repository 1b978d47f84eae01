"""All settings of a stack, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from codeb import names
from codeb.catalogue import catalogue
from codeb.model import types as t
from codeb.model.findings import findings
from codeb.model.problems import Problem, SettingsErrors, path_text, refusal, shown
from codeb.model.settings.backup import Backups
from codeb.model.settings.base import LaxBool, Number, OffWhenEmpty, Optional, Provider, Setting
from codeb.model.settings.certificates import Certificates, Directory, Folder
from codeb.model.settings.images import Images
from codeb.model.settings.managed import Managed
from codeb.model.settings.members import Member, members_of
from codeb.model.settings.monitoring import Monitoring
from codeb.model.settings.pools import Balancer, Pool
from codeb.model.settings.previews import Previews
from codeb.model.settings.rotation import Rotation
from codeb.model.settings.servers import Server
from codeb.model.settings.together import refuse_faults
from codeb.model.settings.vault import Vault


def _region(text: str) -> str:
    if text in catalogue().regions:
        return text
    nearest = catalogue().nearest_region(text)
    remedy = (
        f"Did you mean {nearest.id} ({nearest.city})?" if nearest else "Write for example icn (Seoul) or fra."
    )
    raise refusal(f"{shown(text)} is no region of Vultr that is known here", remedy)


class Settings(Setting):
    """Plain settings of a stack."""

    domain: t.DomainName
    """Platform domain; its hosts minio, s3 and metrics are the platform's own, grafana and console with monitoring."""
    manifests: t.FilePath = "manifests"
    """Folder of the manifests, relative to `Pulumi.yaml`."""
    provider: Provider = "existing"
    """Where servers come from: existing takes `servers`, vultr makes those of `pools`; a pool may say otherwise."""
    servers: Annotated[tuple[Server, ...], Field(strict=False, max_length=100)] = ()
    """The existing servers."""
    pools: Annotated[tuple[Pool, ...], Field(strict=False, max_length=20)] = ()
    """Servers of one kind each; without any, all servers are those of `servers`."""
    region: Annotated[str, AfterValidator(_region)] = "icn"
    """Where Vultr makes the servers."""
    vpc_subnet: t.PrivateSubnet = "10.64.0.0/20"
    """Private network of the servers at Vultr."""
    ssh_keys: Annotated[tuple[t.PublicKey, ...], Field(strict=False, max_length=50), t.DistinctKeys] = ()
    """Public keys of people who may log in to servers at Vultr, besides the stack's own."""
    balancer: Balancer = Balancer()
    """The load balancer in front of the edge servers at Vultr."""
    dns_zone: Optional[t.DomainName] = None
    """Domain whose DNS Vultr hosts: records of names at or below it are made there."""
    protect: LaxBool = True
    """Whether what holds data (disks, addresses, the data server) is protected from deletion, and the role data stays."""
    ssh_private_key_file: Optional[t.FilePath] = None
    """File with the key that opens the servers, when it is not in the secret sshPrivateKey."""
    root_secret_file: Optional[t.FilePath] = None
    """File with the root secret, when it is not in the secret rootSecret."""
    images: Images = Images()
    """Images of the platform's services."""
    image_pull: Literal["missing", "never"] = "missing"
    """Whether hosts pull the platform's images or only use those they have."""
    tls_issuer: Literal["acme", "internal"] = "acme"
    """Who signs the sites' certificates."""
    acme_email: Optional[t.Email] = None
    """Contact of the ACME account."""
    acme_directory: Optional[Directory] = None
    """Directory of the ACME CA; Let's Encrypt when left out."""
    acme_ca: Optional[Certificates] = None
    """Certificates (PEM) that the ACME CA's own server is trusted by, when the system doesn't trust it."""
    certificates_folder: Optional[Folder] = None
    """Where all existing edges have mounted one and the same file system, in which they keep certificates together."""
    insecure_registries: t.Items[t.RegistryHost] = ()
    """Registries reached without TLS; for labs only."""
    admin_addresses: t.Items[t.AddressRange] = ()
    """Addresses and networks that people and pipelines log in from: trusted, so Fail2Ban never shuts them out. At Vultr only
    they reach port 22, when there are any."""
    standby_minutes: Annotated[Number, Field(ge=0, le=7 * 24 * 60)] = 60
    """Minutes that the previous release stands by after a switch."""

    backup: Backups = Backups()
    """Another place for backups, and how much room the archive of PostgreSQL takes at most."""
    monitoring: Monitoring = Monitoring()
    """What the server with the role monitoring keeps, and how much memory it takes."""

    development: LaxBool = False
    """Whether the stack is one to try things on: AI assistants may then deploy by a person's yes in the client alone."""
    previews: OffWhenEmpty[Previews] = None
    """Preview environments of pull requests; none when left out. Only of a stack with `development`."""
    vault: OffWhenEmpty[Vault] = None
    """The vault that has projects' secrets; without one all are in the secret `projectSecrets`."""
    managed: Managed = Managed()
    """Services that Vultr runs instead of the data server; none when left out."""
    rotation: Rotation = Rotation()
    """Numbers of the keys that the platform's own accounts have; all 1 when left out."""

    @property
    def platform_hosts(self) -> dict[str, str]:
        """The platform's own host names, by label: `minio` console, `s3` signed URLs, `metrics` and others internal."""
        watched = ("console", *(("grafana",) if self.monitoring.grafana else ())) if self.watched else ()
        return names.platform_hosts(self.domain, watched)

    @property
    def watched(self) -> bool:
        """Whether a server watches the stack."""
        roles = [*(server.roles for server in self.servers), *(member.roles for member in self.members)]
        return self.monitoring.enabled and any("monitoring" in each for each in roles)

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """Every host name that no project can have: the platform's, and those of servers at Vultr, there or to come."""
        return (*self.platform_hosts.values(), *(member.hostname for member in self.most_members))

    @property
    def data_servers(self) -> tuple[str, ...]:
        """Names of the servers with the role data: one, in a stack that can be deployed."""
        existing = (server.name for server in self.servers if "data" in server.roles)
        return (*existing, *(member.server for member in self.members if "data" in member.roles))

    @property
    def vultr_pools(self) -> tuple[tuple[int, Pool], ...]:
        """The pools whose servers Vultr makes, with their places in the list."""
        return tuple((i, pool) for i, pool in enumerate(self.pools) if self.provider_of(pool) == "vultr")

    @property
    def members(self) -> tuple[Member, ...]:
        """The servers at Vultr."""
        return tuple(members_of(self.vultr_pools, self.domain))

    @property
    def most_members(self) -> tuple[Member, ...]:
        """The servers at Vultr, and those that pools with `autoscale` may come to have."""
        return tuple(members_of(self.vultr_pools, self.domain, most=True))

    @property
    def app_pools(self) -> frozenset[str]:
        """Pools that have a server which runs projects."""
        existing = {server.pool for server in self.servers if "app" in server.roles}
        return frozenset(
            existing | {pool.name for _, pool in self.vultr_pools if "app" in (pool.roles or ())}
        )

    @property
    def balanced(self) -> bool:
        """Whether a load balancer stands in front of the edge servers at Vultr."""
        edges = sum("edge" in member.roles for member in self.members)
        return edges > 1 if self.balancer.enabled is None else self.balancer.enabled

    @property
    def orders(self) -> bool:
        """Whether the edge servers order certificates."""
        ended_before = self.balanced and self.balancer.tls == "terminate"
        return self.tls_issuer == "acme" and not ended_before

    def provider_of(self, pool: Pool) -> Provider:
        """Where the servers of a pool come from."""
        return pool.provider or self.provider

    @model_validator(mode="after")
    def _complete(self) -> Self:
        refuse_faults(self)
        return self


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
