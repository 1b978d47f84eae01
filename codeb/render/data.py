"""The data services of the server with role `data`: PostgreSQL, Redis, MinIO as Quadlet units.

Each runs as an ordinary user without capabilities, with a read-only image; its data is in
`/srv/codeb/<service>`. The user ids are those of the upstream images.
"""

from __future__ import annotations

from typing import Final

from codeb import names, watch_names
from codeb.plan import Plan, RedisPlan, ServerPlan, monitored
from codeb.plan.connections import PLATFORM_CONNECTIONS, POSTGRES_CONNECTIONS
from codeb.render.archive import archive_files
from codeb.render.base import DATA_INTERFACE
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import public_marker, render, secret_marker

POSTGRES_UID: Final = 70
REDIS_UID, REDIS_GID = 999, 1000
MINIO_UID: Final = 1000
_LOOPBACK: Final = "127.0.0.1"
_REDIS_ROOM: Final = 64 << 20


def data_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Network, units, configuration and secrets of the data services."""
    network = f"{names.DATA_NETWORK}-network.service"
    bundle = HostBundle(
        files=(
            HostFile(
                f"{names.QUADLET_DIR}/{names.DATA_NETWORK}.network",
                render("host/data.network", name=names.DATA_NETWORK, interface=DATA_INTERFACE),
            ),
        ),
        services=(Service(network),),
    )
    bundle += _postgres(plan, server) + _upgrades()
    bundle += archive_files(plan, POSTGRES_UID)
    bundle += _redis_settings(plan)
    for redis in plan.data.redis:
        bundle += _redis(plan, server, redis)
    return bundle + _minio(plan, server)


def _addresses(server: ServerPlan) -> tuple[str, ...]:
    return tuple(dict.fromkeys((_LOOPBACK, server.private_address)))


def _postgres(plan: Plan, server: ServerPlan) -> HostBundle:
    service, owner = "postgres.service", f"{POSTGRES_UID}:{POSTGRES_UID}"
    config, data = f"{names.CONFIG_DIR}/{names.POSTGRES}", f"{names.DATA_DIR}/{names.POSTGRES}"
    unit = render(
        "postgres/postgres.container",
        name=names.POSTGRES,
        image=plan.settings.images.postgres,
        pull=plan.settings.image_pull,
        network=names.DATA_NETWORK,
        uid=POSTGRES_UID,
        addresses=_addresses(server),
        port=plan.data.postgres_port,
        admin=names.POSTGRES_ADMIN,
        config=config,
        data=data,
        secrets=names.SECRETS_DIR,
    )

    def file(path: str, content: str, mode: str = "0644", owner: str = "root:root") -> HostFile:
        return HostFile(path, content, mode, owner, restarts=(service,))

    return HostBundle(
        directories=(Directory(config), Directory(data, "0700", owner)),
        files=(
            file(f"{names.QUADLET_DIR}/{names.POSTGRES}.container", unit),
            file(f"{config}/postgresql.conf", _postgresql_conf()),
            *_read_while_it_runs(plan, config, service),
            file(f"{names.SECRETS_DIR}/postgres.key", secret_marker("postgres/tls"), "0600", owner),
            # Read at the first start alone; later ones are set while it runs (codeb.render.admins).
            HostFile(f"{names.SECRETS_DIR}/postgres-admin", _admin_password(plan), "0600", owner),
        ),
        services=(Service(service, "container-health", 300),),
    )


def _upgrades() -> HostBundle:
    """What ends an upgrade of PostgreSQL that was cut off."""
    service, timer = f"{names.UPGRADE}.service", f"{names.UPGRADE}.timer"
    text = render(f"postgres/{service}", journal=names.UPGRADE_JOURNAL, data=names.DATA_DIR)
    return HostBundle(
        files=(
            HostFile(f"{names.UNITS_DIR}/{service}", text),
            HostFile(f"{names.UNITS_DIR}/{timer}", render(f"postgres/{timer}"), restarts=(timer,)),
        ),
        services=(Service(timer),),
    )


def _admin_password(plan: Plan) -> str:
    return secret_marker("postgres/admin", plan.settings.rotation.postgres)


def _read_while_it_runs(plan: Plan, config: str, service: str) -> tuple[HostFile, ...]:
    """What PostgreSQL takes over without a restart."""
    logins = render(
        "postgres/pg_hba.conf",
        admin=names.POSTGRES_ADMIN,
        archive=names.POSTGRES_ARCHIVE,
        metrics=watch_names.METRICS_USER if monitored.monitoring_server(plan) else None,
    )
    texts = {
        "reload.conf": render("postgres/reload.conf", slot_gib=plan.settings.backup.slot),
        "pg_hba.conf": logins,
        "pg_ident.conf": render("postgres/pg_ident.conf", admin=names.POSTGRES_ADMIN),
        "server.crt": public_marker("postgres/tls"),
    }
    return tuple(HostFile(f"{config}/{name}", text, reloads=(service,)) for name, text in texts.items())


def _postgresql_conf() -> str:
    return render(
        "postgres/postgresql.conf",
        connections=POSTGRES_CONNECTIONS + PLATFORM_CONNECTIONS,
        reserved=PLATFORM_CONNECTIONS,
    )


def _redis_settings(plan: Plan) -> HostBundle:
    """What all instances have in common: one file that restarts each of them."""
    config = f"{names.CONFIG_DIR}/redis"
    restarts = tuple(f"{redis.name}.service" for redis in plan.data.redis)
    return HostBundle(
        directories=(Directory(config),),
        files=(HostFile(f"{config}/redis.conf", render("redis/redis.conf"), restarts=restarts),),
    )


def _redis(plan: Plan, server: ServerPlan, redis: RedisPlan) -> HostBundle:
    service, owner = f"{redis.name}.service", f"{REDIS_UID}:{REDIS_GID}"
    config, data = f"{names.CONFIG_DIR}/redis", f"{names.DATA_DIR}/{redis.name}"
    first_users = f"{names.SECRETS_DIR}/{redis.name}.acl"
    unit = render(
        "redis/redis.container",
        name=redis.name,
        owner=redis.owner,
        image=plan.settings.images.redis,
        pull=plan.settings.image_pull,
        network=names.DATA_NETWORK,
        uid=REDIS_UID,
        gid=REDIS_GID,
        addresses=_addresses(server),
        port=redis.port,
        config=config,
        data=data,
        first_users=first_users,
        memory=redis.memory,
        eviction=redis.eviction,
        # What lies beside the data: clients' buffers, the log, and pages that change while a copy is written.
        container_memory=2 * redis.memory + _REDIS_ROOM if redis.owner else None,
    )
    return HostBundle(
        directories=(Directory(data, "0700", owner),),
        files=(
            HostFile(f"{names.QUADLET_DIR}/{redis.name}.container", unit, restarts=(service,)),
            HostFile(
                first_users,
                render(
                    "redis/users.acl",
                    admin_purpose=redis.admin_purpose,
                    number=plan.settings.rotation.redis,
                ),
                "0600",
                owner,
            ),
        ),
        services=(Service(service, "container-health"),),
    )


def _minio(plan: Plan, server: ServerPlan) -> HostBundle:
    service, owner = "minio.service", f"{MINIO_UID}:{MINIO_UID}"
    data = f"{names.DATA_DIR}/{names.MINIO}"
    alone = server.has("edge") and len(plan.servers) == 1
    unit = render(
        "minio/minio.container",
        name=names.MINIO,
        image=plan.settings.images.minio,
        pull=plan.settings.image_pull,
        network=names.DATA_NETWORK,
        uid=MINIO_UID,
        addresses=_addresses(server),
        port=plan.data.minio_port,
        console_addresses=(_LOOPBACK,) if alone else _addresses(server),
        console_port=plan.data.minio_console_port,
        console_host=plan.settings.platform_hosts["minio"],
        admin=names.MINIO_ADMIN,
        data=data,
        secrets=names.SECRETS_DIR,
    )
    number = plan.settings.rotation.minio
    # From number 2 on its root user is let in no more: it takes another password whenever it starts next.
    password = HostFile(
        f"{names.SECRETS_DIR}/minio-admin",
        secret_marker("minio/admin", number),
        "0600",
        owner,
        restarts=(service,) if number == 1 else (),
    )
    return HostBundle(
        directories=(Directory(data, "0700", owner),),
        files=(
            HostFile(f"{names.QUADLET_DIR}/{names.MINIO}.container", unit, restarts=(service,)),
            password,
        ),
        services=(Service(service, "container-health"),),
    )
