"""All outputs of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from codeb.outputs.machines import Costs, Fleet, Monitoring, Server
from codeb.outputs.registry import Allocation, ProjectAddress, Registry
from codeb.outputs.section import Part

_SECRET: Final = {"x-secret": True}
Secret = Annotated[str | None, Field(json_schema_extra=_SECRET)]
"""A text that Pulumi keeps as a secret."""


class Connections(Part):
    """How the project reaches its data: environment variables as its containers have them.

    A variable is there where the manifest asks for what it leads to. Addresses are the stack's private ones: only its own
    servers and containers reach them.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    DATABASE_URL: Secret = None
    """PostgreSQL's URL with user and password."""
    NEXTAUTH_SECRET: Secret = None
    """What the app signs sessions with."""
    REDIS_HOST: str | None = None
    """Address of the Redis instance."""
    REDIS_PORT: str | None = None
    """Its port."""
    REDIS_DB: str | None = None
    """The only index that the user may select."""
    REDIS_CHANNEL_PREFIX: str | None = None
    """What names of channels have to start with."""
    REDIS_USERNAME: str | None = None
    """The project's user."""
    REDIS_PASSWORD: Secret = None
    """Its password."""
    REDIS_TLS: str | None = None
    """`true` where it takes TLS alone, with a certificate to be checked: at Vultr's Valkey. Absent on the data server."""
    MINIO_ENDPOINT: str | None = None
    """The S3 interface inside the stack."""
    MINIO_PUBLIC_ENDPOINT: str | None = None
    """The same for everybody, with TLS."""
    MINIO_BUCKET: str | None = None
    """The first bucket; `registry` has all."""
    MINIO_ACCESS_KEY: str | None = None
    """The project's user."""
    MINIO_SECRET_KEY: Secret = None
    """Its key."""


CONNECTION_VARIABLES: Final = tuple(Connections.model_fields)
SECRET_VARIABLES: Final = frozenset(
    name for name, field in Connections.model_fields.items() if field.json_schema_extra == _SECRET
)


class StackOutputs(Part):
    """The outputs of a CodeB stack, decrypted."""

    versions: Mapping[str, int] = Field(default_factory=dict)
    """The version of each output that the stack has. Absent in stacks that a program of before updated last: all
    their outputs are version 1."""
    registry: Registry
    """What the stack runs and holds, by project."""
    projects: dict[str, ProjectAddress]
    """URL and health of each project that has a manifest."""
    servers: dict[str, Server]
    """By name."""
    allocations: dict[str, Allocation]
    """What the manifests get, by project."""
    caCertificate: str
    """The platform's CA as PEM. It signs what Caddy serves where `codeb:tlsIssuer` is `internal`, and always PostgreSQL's
    certificate."""
    connections: dict[str, Connections]
    """By project that has a manifest. What has `x-secret` is a secret, and with it the whole output for who reads it by a
    stack reference."""
    fleet: Fleet | None = None
    """What the stack has at Vultr."""
    costs: Costs | None = None
    """What that costs."""
    monitoring: Monitoring | None = None
    """Where it is watched from."""
