"""The keys of a project's buckets: its own account in MinIO, or those of its subscription of Vultr's Object Storage.

And what the data server needs to copy objects between the two.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from codeb import managed_names, names
from codeb.plan import Plan, ProjectPlan
from codeb.plan.places import Known
from codeb.render.bundle import HostBundle, HostFile
from codeb.render.environment import MINIO_REGION
from codeb.render.text import secret_marker
from codeb.secrets import ProjectCredentials


def with_storage_keys(
    project: ProjectPlan, credentials: ProjectCredentials, known: Known
) -> ProjectCredentials:
    """The credentials with the keys that the project's app has; markers stand for what is not known."""
    if project.objects is None or not project.objects.used:
        return credentials
    access = managed_names.objects_access_key(project.id)
    secret = managed_names.objects_secret_key(project.id)
    return replace(
        credentials,
        storage_access_key=known.get(access, access),
        storage_secret_key=known.get(secret, secret),
    )


def storage_needs(project: ProjectPlan, known: Known) -> str:
    """The texts of `known` that the project's storage variables are made of; "" of buckets on the data server."""
    if project.objects is None or not project.objects.used:
        return ""
    return " ".join(known[marker] for marker in sorted(managed_names.objects_markers(project.id)))


def objects_files(plan: Plan) -> HostBundle:
    """For the server with the role `data`; nothing on a stack without subscriptions."""
    found = [_copied(project) for project in plan.projects if project.objects]
    if not found:
        return HostBundle()
    settings = json.dumps({"version": 1, "projects": found}, indent=1) + "\n"
    return HostBundle(files=(HostFile(managed_names.OBJECTS_FILE, settings, "0600"),))


def _copied(project: ProjectPlan) -> dict[str, Any]:
    """A project's buckets on both sides, with markers, as the agent's room `moving` reads them."""
    objects = project.objects
    if objects is None:
        raise ValueError(f"{project.id} has no subscription")
    rotation = project.manifest.resources.storage.rotation
    return {
        "id": project.id,
        "managed": objects.used,
        "user": names.storage_user(project.id, rotation),
        "user_key": secret_marker(f"project/{project.id}/storage", rotation),
        "endpoint": objects.url,
        "region": MINIO_REGION,
        "access_key": managed_names.objects_access_key(project.id),
        "secret_key": managed_names.objects_secret_key(project.id),
        "buckets": [
            {"here": each.name, "managed": managed_names.objects_bucket(objects.mark, each.name)}
            for each in project.buckets
        ],
    }
