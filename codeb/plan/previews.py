"""The manifest of a preview environment, made from its project's: small, alone, and with nothing of the project's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from codeb import names
from codeb.model import Manifest, Previews, size_text
from codeb.plan.kept import Preview

CONNECTIONS: Final = 10
"""Most connections to PostgreSQL: all projects share what it takes."""
BUCKET: Final = 1 << 30
"""Bytes of each bucket, as all projects share the disk."""
_LONGEST_NAME: Final = 100
_ALONE: Final = ("cron", "redirects", "canary", "canary_wait", "canary_error_percent", "maintenance")
"""What is the project's: jobs that write to somebody, ways of visitors, steps of releases that nobody waits for."""


def manifest_of(base: Manifest, preview: Preview, limits: Previews, domain: str) -> dict[str, Any]:
    """The manifest as a file would have it. `domain` is the one that its name is below."""
    document = base.model_dump(mode="json", exclude_unset=True)
    return {
        "project": _project(base, document["project"], preview),
        "environment": _environment(base, document["environment"], preview, domain),
        "servers": {"pool": base.servers.pool},
        "resources": _resources(base, document.get("resources", {}), limits),
        "features": _features(base, document.get("features", {}), limits),
        "monitoring": _without(document.get("monitoring", {}), "sentry_project", "alerts")
        | {"alerts": {"enabled": False}},
        "backup": {"enabled": False},
    }


def _project(base: Manifest, project: Mapping[str, Any], preview: Preview) -> dict[str, Any]:
    about = f" (pull request {preview.pull})"
    name = base.display_name[: _LONGEST_NAME - len(about)].rstrip() + about
    return {
        **project,
        "id": names.preview(base.id, preview.pull),
        "name": name,
        "lifecycle": "destroy",
    }


def _environment(
    base: Manifest, environment: Mapping[str, Any], preview: Preview, domain: str
) -> dict[str, Any]:
    """The app keeps its name, talks to itself where it talked to the project, and is told that it is not production."""
    stage = base.environment.stage
    api = base.environment.api_url
    talks_to_itself = api is not None and urlsplit(api).hostname in base.environment.hosts
    return {
        **_without(environment, "aliases", *(["api_url"] if talks_to_itself else [])),
        "domain": f"{names.preview(base.id, preview.pull)}.{domain}",
        "image": preview.image,
        "stage": "staging" if stage == "production" else stage,
        "app_name": base.environment.app_name or base.display_name,
    }


def _resources(base: Manifest, resources: Mapping[str, Any], limits: Previews) -> dict[str, Any]:
    wanted = base.resources
    return {
        **resources,
        "cpu": min(wanted.cpu, limits.cpu),
        "memory": size_text(min(wanted.memory, limits.memory)),
        "database": {
            **resources.get("database", {}),
            "connection_limit": min(wanted.database.connection_limit, CONNECTIONS),
        },
        "cache": {"enabled": wanted.cache.enabled},
        "storage": {"enabled": wanted.storage.enabled, "buckets": _buckets(base)},
    }


def _buckets(base: Manifest) -> list[dict[str, Any]]:
    return [
        {**bucket.model_dump(mode="json"), "quota": size_text(min(bucket.quota or BUCKET, BUCKET))}
        for bucket in base.resources.storage.buckets
    ]


def _features(base: Manifest, features: Mapping[str, Any], limits: Previews) -> dict[str, Any]:
    workers = [
        {
            **worker.model_dump(mode="json", exclude_unset=True),
            "replicas": 1,
            "memory": size_text(min(worker.memory or base.resources.memory, limits.memory)),
        }
        for worker in base.features.workers
    ]
    return _without(features, *_ALONE, "workers") | ({"workers": workers} if workers else {})


def _without(section: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}
