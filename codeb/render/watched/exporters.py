"""Debian's exporters, as drop-ins to their units: what they listen at, what they may, and where their passwords are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from codeb import names, watch_names
from codeb.plan import Plan, ServerPlan, monitored
from codeb.render.bundle import HostBundle, HostFile, Service
from codeb.render.text import render, secret_marker
from codeb.render.watched.memory import EXPORTER_MIB

_GROUPS: Final = f"{names.CONFIG_DIR}/process-exporter.yml"
_OWN_DEVICES: Final = "^(veth|podman).*"
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class _Exporter:
    """`credentials`: name → file that only root reads, shown to the exporter at `%d/<name>`."""

    name: str
    port: int
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    credentials: tuple[tuple[str, str], ...] = ()
    dash: str = "--"

    @property
    def package(self) -> str:
        """Debian's package, and what its program and its unit are called."""
        return f"prometheus-{self.name}-exporter"

    @property
    def service(self) -> str:
        """The unit with its extension."""
        return f"{self.package}.service"


def exporter_files(plan: Plan, server: ServerPlan) -> HostBundle:
    """Node and process exporter, and where the data is those of PostgreSQL and Redis."""
    groups = HostFile(
        _GROUPS,
        render("monitoring/process-exporter.yml"),
        restarts=(_PROCESSES.service,),
    )
    found = HostBundle(files=(groups,))
    for each in (_NODE, _PROCESSES):
        found += _exporter(plan, server, each)
    return found + (_of_data(plan, server) if server.has("data") else HostBundle())


def _exporter(plan: Plan, server: ServerPlan, exporter: _Exporter) -> HostBundle:
    service = exporter.service
    listens = f"{exporter.dash}web.listen-address={monitored.asked_at(plan, server)}:{exporter.port}"
    text = render(
        "monitoring/exporter.conf",
        command=(f"/usr/bin/{exporter.package}", listens, *exporter.arguments),
        environment=exporter.environment,
        credentials=exporter.credentials,
        memory=EXPORTER_MIB,
    )
    return HostBundle(
        packages=(exporter.package,),
        files=(HostFile(f"{names.UNITS_DIR}/{service}.d/10-codeb.conf", text, restarts=(service,)),),
        services=(Service(service),),
    )


_NODE: Final = _Exporter(
    "node",
    monitored.NODE_PORT,
    (
        f"--collector.textfile.directory={watch_names.TEXTFILE_DIR}",
        f"--collector.netdev.device-exclude={_OWN_DEVICES}",
        f"--collector.netclass.ignored-devices={_OWN_DEVICES}",
        "--no-collector.arp",
        "--no-collector.softnet",
    ),
)
_PROCESSES: Final = _Exporter(
    "process",
    monitored.PROCESS_PORT,
    (
        f"-config.path={_GROUPS}",
        "-children=false",
        "-threads=false",
        "-gather-smaps=false",
        "-remove-empty-groups",
        # A container's process is of another control group for a moment, while it is being made.
        "-recheck-with-time-limit=1m",
    ),
    dash="-",
)


def _of_data(plan: Plan, server: ServerPlan) -> HostBundle:
    postgres, redis = (f"{names.SECRETS_DIR}/{each}-metrics" for each in ("postgres", "redis"))
    place = f"{_LOOPBACK}:{plan.data.postgres_port}/postgres?sslmode=verify-full&sslrootcert={names.CA_FILE}"
    of_postgres, of_redis = (
        _Exporter(
            "postgres",
            monitored.POSTGRES_PORT,
            ("--no-collector.stat_user_tables", "--no-collector.statio_user_tables"),
            environment=(
                f"DATA_SOURCE_URI={place}",
                f"DATA_SOURCE_USER={watch_names.METRICS_USER}",
                "DATA_SOURCE_PASS_FILE=%d/postgres",
            ),
            credentials=(("postgres", postgres),),
        ),
        _Exporter(
            "redis",
            monitored.REDIS_PORT,
            (
                "-redis.addr=",
                f"-redis.user={watch_names.METRICS_USER}",
                "-redis.password-file=%d/redis",
                # What is configured may have passwords in it; all that is looked at is in INFO.
                "-config-command=-",
            ),
            credentials=(("redis", redis),),
            dash="-",
        ),
    )
    found = HostBundle(
        files=(
            HostFile(
                postgres,
                secret_marker("monitoring/postgres"),
                "0600",
                restarts=(of_postgres.service,),
            ),
            HostFile(redis, _logins(plan), "0600", restarts=(of_redis.service,)),
        )
    )
    for each in (of_postgres, of_redis):
        found += _exporter(plan, server, each)
    return found


def _logins(plan: Plan) -> str:
    """Which password each instance takes, as the exporter reads it; a password is letters and digits."""
    password = secret_marker("monitoring/redis")
    return (
        json.dumps(
            {
                f"redis://{watch_names.METRICS_USER}@{_LOOPBACK}:{each.port}": password
                for each in plan.data.redis
            },
            indent=1,
        )
        + "\n"
    )
