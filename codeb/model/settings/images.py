"""`codeb:images`."""

from __future__ import annotations

from codeb.model import types as t
from codeb.model.settings.base import Setting


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
