"""`resources.database`, `.cache` and `.storage`: what a project asks of the data services."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from codeb.model import types as t
from codeb.model.problems import refusal
from codeb.model.section import Section, refuse_repeated

Rotation = Annotated[int, Field(ge=1, le=999)]
"""Which of its keys a project has: another number, another key. The one before is taken for a while, too (docs/vault.md)."""


class Database(Section):
    """The project's PostgreSQL database."""

    enabled: bool = True
    """Whether the project has a database."""
    extensions: t.Items[t.ExtensionName] = ()
    """PostgreSQL extensions to create."""
    connection_limit: Annotated[int, Field(ge=2, le=500)] = 20
    """Connections that the project may open at the same time from each server that runs it; its role may all of them."""
    rotation: Rotation = 1
    """Number of the login: raise it by one for another password."""


class Cache(Section):
    """The project's Redis: an index of a shared instance, or an instance of its own."""

    enabled: bool = True
    """Whether the project has a cache."""
    dedicated: t.CacheMemory | None = None
    """Memory of an instance of the project's own, for example 256Mi; it shares one when left out."""
    eviction: Literal["noeviction", "allkeys-lfu", "allkeys-lru", "volatile-lru", "volatile-ttl"] | None = (
        None
    )
    """What a full instance of its own does: refuse writes (noeviction) or drop keys; allkeys-lfu when left out."""
    rotation: Rotation = 1
    """Number of the password: raise it by one for another."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dedicated is not None and not self.enabled:
            remedy = "Enable the cache or remove dedicated."
            raise refusal("there is no cache to have an instance", remedy, at=("dedicated",))
        if self.eviction is not None and self.dedicated is None:
            remedy = "Write dedicated: 256Mi for an instance of its own, or remove eviction."
            raise refusal("shared instances have one eviction for all", remedy, at=("eviction",))
        return self


class Bucket(Section):
    """One MinIO bucket."""

    suffix: t.BucketSuffix
    """Last part of the bucket's name: uploads gives food-delivery-uploads."""
    access: Literal["private", "public-read"] = "private"
    """Whether anyone may download objects (public-read) or only holders of a signed URL (private)."""
    quota: t.Size | None = None
    """Most that the bucket may hold; no limit when left out."""
    expire_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days after which objects are deleted; never when left out."""


class Storage(Section):
    """The project's object storage."""

    enabled: bool = True
    """Whether the project has object storage."""
    buckets: Annotated[tuple[Bucket, ...], Field(strict=False, min_length=1, max_length=10)] = (
        Bucket(suffix="uploads"),
    )
    """The buckets; the first one is MINIO_BUCKET."""
    rotation: Rotation = 1
    """Number of the key: raise it by one for another."""

    @model_validator(mode="after")
    def _distinct_suffixes(self) -> Self:
        refuse_repeated([bucket.suffix for bucket in self.buckets], "buckets", "suffix")
        return self
