"""The keys of a project's buckets: its own account in MinIO, or those of its subscription of Vultr's Object Storage."""

from __future__ import annotations

from dataclasses import replace

from codeb import managed_names
from codeb.plan import ProjectPlan
from codeb.plan.places import Known
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
