"""Names of what a stack has of Vultr's managed services, and markers of what Vultr alone knows of it."""

from __future__ import annotations

from typing import Final

from codeb import names

HOST: Final = "@{managed:postgres/host}"
PORT: Final = "@{managed:postgres/port}"
USER: Final = "@{managed:postgres/user}"
PASSWORD: Final = "@{managed:postgres/password}"  # noqa: S105 - a marker
"""Of the service's administrator, as a password file of PostgreSQL's writes it: what stands for it is a secret."""
TLS: Final = "rediss://"
"""How agents say that a cache which a release uses is at a service, and not on the data server."""
DATABASE: Final = "defaultdb"
"""The database that every such service comes with (docs.vultr.com)."""
MARKERS: Final = (HOST, PORT, USER, PASSWORD)
"""Of the managed PostgreSQL."""

SETTINGS_FILE: Final = f"{names.SECRETS_DIR}/managed.json"
"""Where the data server's agent reads how the service is reached."""
OBJECTS_FILE: Final = f"{names.SECRETS_DIR}/objects.json"
"""Where it reads how buckets at Vultr's Object Storage are reached."""
LOGIN_FILE: Final = f"{names.SECRETS_DIR}/managed.pgpass"
"""The administrator's password, as PostgreSQL's clients read it."""


BUCKET_MARK: Final = "@{managed:objects/mark}"
"""The stack's mark, in front of the names of its buckets at Vultr's Object Storage: those are unique in a whole cluster."""
MARK_LENGTH: Final = 6


def objects_host(project_id: str) -> str:
    """Stands for the host name of a project's subscription of Object Storage."""
    return f"@{{managed:objects/{project_id}/host}}"


def objects_access_key(project_id: str) -> str:
    """Stands for the name of its pair of keys."""
    return f"@{{managed:objects/{project_id}/access}}"


def objects_secret_key(project_id: str) -> str:
    """Stands for the pair's other half, which is a secret."""
    return f"@{{managed:objects/{project_id}/secret}}"


def objects_markers(project_id: str) -> frozenset[str]:
    """What stands for what Vultr alone knows of a project's subscription."""
    made = (objects_host, objects_access_key, objects_secret_key)
    return frozenset(each(project_id) for each in made)


def objects_bucket(mark: str, name: str) -> str:
    """What a bucket is called there: `3fa9c1-shop-uploads`."""
    return f"{mark}-{name}"


def objects_label(owner: str, project_id: str) -> str:
    """How Vultr's console shows a project's subscription."""
    return f"{owner}-objects-{project_id}"


def label(owner: str) -> str:
    """How Vultr's console shows the service: the stack's mark is in front, as in all that it has there."""
    return f"{owner}-postgres"


def valkey(number: int) -> str:
    """The service in the place of the shared Redis instance of this number: `valkey-0`."""
    return f"valkey-{number}"


def valkey_label(owner: str, number: int) -> str:
    """How Vultr's console shows it."""
    return f"{owner}-{valkey(number)}"


def valkey_host(number: int) -> str:
    """The marker of its host."""
    return f"@{{managed:{valkey(number)}/host}}"


def valkey_port(number: int) -> str:
    """The marker of its port."""
    return f"@{{managed:{valkey(number)}/port}}"


def is_host(marker: str) -> bool:
    """Whether this marker is of a service's host."""
    return marker.startswith("@{managed:") and marker.endswith("/host}")


def is_port(marker: str) -> bool:
    """Whether this marker is of a service's port."""
    return marker.startswith("@{managed:") and marker.endswith("/port}")


def valkey_user(project_id: str, rotation: int) -> str:
    """Who an app logs in to the service as: `food_delivery`, then `food_delivery-2`; no id leads to a name with a hyphen."""
    return names.user(project_id) if rotation == 1 else f"{names.user(project_id)}-{rotation}"
