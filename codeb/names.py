"""Every name that is derived from a project's id or is fixed for the platform.

An id is lower-case letters, digits and hyphens (the model checks it). Data services know a project by its
*stem*, the id without a trailing `-app`; a host knows it by its full id. Different ids can lead to one name
(`blog` and `blog-app`; bucket `b-c` of `a` and bucket `c` of `a-b`): `claims` lists what a project takes, so
that callers can compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

Colour = Literal["blue", "green"]
COLOURS: Final[tuple[Colour, Colour]] = ("blue", "green")
# A colour's files, or links to those of the colour that serves or is being released.
Whose = Colour | Literal["active", "candidate"]

# Units and networks of the platform.
DATA_NETWORK: Final = "codeb-network"
POSTGRES: Final = "postgres"
MINIO: Final = "minio"
CADDY: Final = "caddy"
WAL_RECEIVER: Final = "codeb-wal"

# Where a run finds what is asked of the stack beyond its manifests (docs/previews.md).
REQUEST_VARIABLE: Final = "CODEB_REQUEST"

# Accounts of the platform on the data services.
POSTGRES_ADMIN: Final = "postgres"
POSTGRES_ARCHIVE: Final = "codeb_archive"
MINIO_ADMIN: Final = "codeb_admin"
BACKUP_USER: Final = "codeb_backup"

# Where this stack's MinIO keeps backups, and the service that makes one of a project (an instance).
BACKUP_BUCKET: Final = "backup"
BACKUP_SERVICE: Final = "codeb-backup@.service"
PROVE_SERVICE: Final = "codeb-prove.service"
PROVE_TIMER: Final = "codeb-prove.timer"
UPGRADE: Final = "codeb-upgrade"
"""Service and timer that end an upgrade of PostgreSQL which was cut off."""
UPGRADE_JOURNAL: Final = "/var/lib/codeb/upgrade.json"

# Fixed places on a host.
QUADLET_DIR: Final = "/etc/containers/systemd"
UNITS_DIR: Final = "/etc/systemd/system"
CONFIG_DIR: Final = "/etc/codeb"
SECRETS_DIR: Final = "/etc/codeb/secrets"
DATA_DIR: Final = "/srv/codeb"
DATA_DISK: Final = "codeb-data"
ARCHIVE_DIR: Final = "/srv/codeb/archive"
SHARED_DIR: Final = "/srv/codeb-shared"
STATE_DIR: Final = "/var/lib/codeb"
OUTBOX_DIR: Final = "/var/lib/codeb/outbox"
CERTIFICATES_DIR: Final = "/var/lib/codeb/certificates"
PROJECTS_DIR: Final = "/etc/codeb/projects"
CA_FILE: Final = "/etc/codeb/ca.crt"
ACME_CA_FILE: Final = "/etc/caddy/acme-ca.crt"
HOLD_FILE: Final = "/etc/codeb/hold.nft"
CADDY_DIR: Final = "/etc/caddy"
SITES_DIR: Final = "/etc/caddy/sites"
UPSTREAMS_DIR: Final = "/etc/caddy/upstreams"
CANARIES_DIR: Final = "/etc/caddy/canaries"
MAINTENANCE_DIR: Final = "/etc/caddy/maintenance"


_PREVIEW: Final = re.compile(r"([a-z0-9-]+)-pr-[1-9][0-9]*")


def stem(project_id: str) -> str:
    """The id without a trailing `-app`: `food-delivery-app` → `food-delivery`."""
    return project_id.removesuffix("-app")


def preview(project_id: str, pull: int) -> str:
    """The project that a pull request's preview environment is: `shop-pr-12`."""
    return f"{project_id}-pr-{pull}"


def preview_secrets(project_id: str) -> str:
    """Key of `projectSecrets` with the secrets of a project's preview environments: `shop-pr`."""
    return f"{project_id}-pr"


def vault_path(key: str) -> str:
    """Where a vault has the secrets of a project, below its mount: `projects/shop`; `key` as in `projectSecrets`."""
    return f"projects/{key}"


def previewed(project_id: str) -> str | None:
    """The project whose preview environment would be called so; None for an id of another form."""
    found = _PREVIEW.fullmatch(project_id)
    return found[1] if found else None


def user(project_id: str) -> str:
    """Role in PostgreSQL, user in Redis and in MinIO: `food_delivery`."""
    return stem(project_id).replace("-", "_")


def storage_user(project_id: str, rotation: int) -> str:
    """User in MinIO, which is the access key: `food_delivery`, then `food_delivery.2`; no id leads to a name with a dot."""
    return user(project_id) if rotation == 1 else f"{user(project_id)}.{rotation}"


def minio_admin(rotation: int) -> str:
    """Who administers MinIO: its root user, then `codeb_admin.2`."""
    return MINIO_ADMIN if rotation == 1 else f"{MINIO_ADMIN}.{rotation}"


def backup_user(rotation: int) -> str:
    """The account of backups in MinIO: `codeb_backup`, then `codeb_backup.2`."""
    return BACKUP_USER if rotation == 1 else f"{BACKUP_USER}.{rotation}"


def database_login(project_id: str, rotation: int) -> str:
    """Who an app logs in to PostgreSQL as: its database's owner, then a role that acts as that, `food_delivery.2`."""
    return user(project_id) if rotation == 1 else f"{user(project_id)}.{rotation}"


def database(project_id: str) -> str:
    """Database in PostgreSQL: `food_delivery_db`."""
    return f"{user(project_id)}_db"


def bucket(project_id: str, suffix: str) -> str:
    """Bucket in MinIO: `food-delivery-uploads`."""
    return f"{stem(project_id)}-{suffix}"


def network(project_id: str) -> str:
    """Podman network of the project and stem of its Quadlet unit."""
    return f"codeb-{project_id}"


def network_unit(project_id: str) -> str:
    """Quadlet file of the project's network."""
    return f"{network(project_id)}.network"


def service(project_id: str, colour: Colour) -> str:
    """Container and systemd service (without `.service`) of one colour."""
    return f"codeb-{project_id}-{colour}"


def container_unit(project_id: str, colour: Colour) -> str:
    """Quadlet file of one colour."""
    return f"{service(project_id, colour)}.container"


def job_service(project_id: str) -> str:
    """Container and service (without extension) of the release command."""
    return f"codeb-{project_id}-job"


def cron_service(project_id: str, cron: str) -> str:
    """Container, service and timer (without extension) of one cron job."""
    return f"codeb-{project_id}-cron-{cron}"


def cron_units(project_id: str, cron: str) -> tuple[str, str]:
    """Quadlet file and timer file of one cron job."""
    name = cron_service(project_id, cron)
    return f"{name}.container", f"{name}.timer"


def backup_timer(project_id: str) -> str:
    """Timer of a project's backups, on the data server."""
    return f"codeb-backup-{project_id}.timer"


def worker_service(project_id: str, colour: Colour, worker: str) -> str:
    """What the services of a worker in one colour are called before `@1`, `@2`, …, and its containers before `.1`, `.2`."""
    return f"{service(project_id, colour)}-w-{worker}"


def worker_unit(project_id: str, colour: Colour, worker: str) -> str:
    """Quadlet file of a worker in one colour, a template."""
    return f"{worker_service(project_id, colour, worker)}@.container"


def environment_file(project_id: str, whose: Whose) -> str:
    """Where the agent writes the environment of one colour (0600)."""
    return f"{PROJECTS_DIR}/{project_id}/{whose}.env"


def module_file(project_id: str, whose: Whose) -> str:
    """Where the agent writes the variables of one colour that have several lines (0600)."""
    return f"{PROJECTS_DIR}/{project_id}/{whose}.conf"


def digest_file(project_id: str, whose: Whose) -> str:
    """Where systemd reads the digest of one colour's image."""
    return f"{PROJECTS_DIR}/{project_id}/{whose}.image"


def site_file(project_id: str) -> str:
    """The project's site in Caddy's configuration."""
    return f"{SITES_DIR}/{project_id}.caddy"


def upstream_file(project_id: str) -> str:
    """File whose content is the address of the serving colour, e.g. `127.0.0.1:3006`."""
    return f"{UPSTREAMS_DIR}/{project_id}"


def inner_host(project_id: str) -> str:
    """The name by which edges ask another server's Caddy for the project: `shop.inner`. It is in no DNS."""
    return f"{project_id}.inner"


def redis_instance(key: str) -> str:
    """Redis instance, container, service and data folder: `redis-0`, or `redis-shop` of the project `shop`."""
    return f"redis-{key}"


def channel_prefix(project_id: str) -> str:
    """How the names of a project's channels in Redis start: `food_delivery:`. No project's is the start of another's."""
    return f"{user(project_id)}:"


def claims(
    project_id: str,
    *,
    bucket_suffixes: Iterable[str] = (),
    cron_names: Iterable[str] = (),
    worker_names: Iterable[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Every shared name that a project takes, by namespace; no other project may take one of them.

    Namespaces: `database`, `user` (of all three data services), `bucket`, `unit` (services and timers).
    """
    units = [f"{network(project_id)}-network", *(service(project_id, colour) for colour in COLOURS)]
    units += [job_service(project_id), *(cron_service(project_id, name) for name in cron_names)]
    units += [f"{worker_service(project_id, c, name)}@" for name in worker_names for c in COLOURS]
    return {
        "database": (database(project_id),),
        "user": (user(project_id),),
        "bucket": tuple(bucket(project_id, suffix) for suffix in bucket_suffixes),
        "unit": tuple(units),
    }


def platform_hosts(domain: str, more: Iterable[str] = ()) -> dict[str, str]:
    """Host names that the platform serves itself: `minio` console, `s3` signed URLs, `metrics` internal, and `more`."""
    return {label: f"{label}.{domain}" for label in ("minio", "s3", "metrics", *more)}


def server(stem: str, number: int) -> str:
    """A server of a pool, numbered from 1: `app-1`."""
    return f"{stem}-{number}"


def server_stem(pool: str) -> str:
    """What the names of a pool's servers start with: the pool's name, `app` for the pool `default`."""
    return "app" if pool == "default" else pool


def server_label(stem: str, number: int) -> str:
    """How the cloud's console shows a server: `codeb-app-1`."""
    return f"codeb-{server(stem, number)}"


def server_hostname(stem: str, number: int, domain: str) -> str:
    """A server's own host name: `app1.example.com`."""
    return f"{stem}{number}.{domain}"


def address_marker(server_name: str) -> str:
    """Stands for a server's public address until the cloud has given it one: `@{address:app-1}`."""
    return f"@{{address:{server_name}}}"


def private_marker(server_name: str) -> str:
    """Stands for a server's address in the private network."""
    return f"@{{private:{server_name}}}"


def disk_marker(server_name: str) -> str:
    """Stands for the path of a server's data disk on it: `/dev/disk/by-id/virtio-…`."""
    return f"@{{disk:{server_name}}}"


def share_marker(server_name: str) -> str:
    """Stands for the tag under which a server mounts the shared file system."""
    return f"@{{share:{server_name}}}"


def fleet_owner(stack: str, mark: str) -> str:
    """What marks everything of a stack at a cloud provider: `codeb-prod-3fa9c1`. `stack` is its short name."""
    return f"codeb-{stack}-{mark}"


def disk_label(owner: str, server_name: str, instance: str) -> str:
    """A data disk's label: it says of which server, and changes with the machine that is that server at the moment.

    Vultr's plugin moves a disk only after a PATCH of what else has changed, and Vultr refuses one that changes nothing.
    """
    return f"{owner}-{server_name}.{instance[:8]}"
