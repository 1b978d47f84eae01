"""What the data server needs to back projects up: the agent's settings and key, PostgreSQL's login, a timer a project."""

from __future__ import annotations

import json
from typing import Any, Final

from codeb import names
from codeb.model import BackupCredentials
from codeb.plan import Plan, ProjectPlan
from codeb.render.archive import shipper
from codeb.render.bundle import HostBundle, HostFile, Service
from codeb.render.text import public_marker, render, secret_marker

SECOND_ACCESS: Final = "backup/second-access"
SECOND_SECRET: Final = "backup/second-secret"  # noqa: S105 - the purpose of a marker
_SECOND_CA: Final = f"{names.CONFIG_DIR}/backup-ca.crt"
BACKUP_REGION: Final = "us-east-1"
"""What MinIO says of itself when nobody tells it a region."""
WAIT_S: Final = 6 * 3600
"""How long a timer's backup waits for its turn (agent.backup.due.LATE_S is longer)."""
_PLATFORM: Final = "codeb-platform"
_POSTGRES_UID: Final = 70
_SPREAD: Final = frozenset({"daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"})
"""Schedules that name no moment: those of many projects are spread over an hour."""


def backup_files(plan: Plan) -> HostBundle:
    """For the server with the role `data`, which has all databases and buckets."""
    owner = f"{_POSTGRES_UID}:{_POSTGRES_UID}"
    password = secret_marker("postgres/admin", plan.settings.rotation.postgres)
    login = f"*:*:*:{names.POSTGRES_ADMIN}:{password}\n"
    settings = json.dumps(backup_settings(plan), indent=1) + "\n"
    timed = [project for project in plan.projects if _saved(project)]
    proven = any(project.own_database for project in timed)
    timers = [names.backup_timer(project.id) for project in timed] + ([names.PROVE_TIMER] if proven else [])
    return HostBundle(
        packages=("age", "zstd"),
        files=(
            HostFile(f"{names.SECRETS_DIR}/backup.json", settings, "0600", restarts=shipper(plan)),
            HostFile(f"{names.SECRETS_DIR}/backup.key", secret_marker("backup/key") + "\n", "0600"),
            HostFile(f"{names.SECRETS_DIR}/backup.pgpass", login, "0600", owner),
            HostFile(
                f"{names.UNITS_DIR}/{names.BACKUP_SERVICE}",
                render("host/codeb-backup.service", wait_s=WAIT_S),
            ),
            *_authority(plan),
            HostFile(
                f"{names.UNITS_DIR}/{_PLATFORM}.service", render(f"host/{_PLATFORM}.service", wait_s=WAIT_S)
            ),
            HostFile(
                f"{names.UNITS_DIR}/{_PLATFORM}.timer",
                render(f"host/{_PLATFORM}.timer"),
                restarts=(f"{_PLATFORM}.timer",),
            ),
            *(_timer(project) for project in timed),
            *(_proofs() if proven else ()),
        ),
        services=(Service(f"{_PLATFORM}.timer"), *(Service(timer) for timer in timers)),
    )


def second_texts(credentials: BackupCredentials | None) -> dict[str, str]:
    """Purpose of a marker → key of the second place, for a stack that has one. Secret."""
    if credentials is None:
        return {}
    return {SECOND_ACCESS: credentials.access_key, SECOND_SECRET: credentials.secret_key}


def _proofs() -> tuple[HostFile, ...]:
    """What restores newest backups at night, into a PostgreSQL that is thrown away."""
    service, timer = names.PROVE_SERVICE, names.PROVE_TIMER
    return (
        HostFile(f"{names.UNITS_DIR}/{service}", render(f"host/{service}", wait_s=WAIT_S)),
        HostFile(f"{names.UNITS_DIR}/{timer}", render(f"host/{timer}"), restarts=(timer,)),
    )


def backup_settings(plan: Plan) -> dict[str, Any]:
    """What the agent's room `store` reads, with secret markers."""
    return {
        "version": 1,
        "stores": [_here(plan), *_second(plan)],
        "recipient": public_marker("backup/key"),
        "projects": [_project(project) for project in plan.projects if _saved(project)],
        "image": plan.settings.images.postgres,
        "container": names.POSTGRES,
        "host": "127.0.0.1",
        "port": plan.data.postgres_port,
    }


def final_document(project: ProjectPlan) -> str:
    """What the agent is told of the last backup of a project's data, before that is dropped with it; "" when it has none."""
    if not project.database and not project.buckets:
        return ""
    document = {
        "version": 1,
        "project": project.id,
        "database": project.database.name if project.database else None,
        "buckets": [bucket.name for bucket in project.buckets],
        "retention_days": project.manifest.backup.retention_days,
        "by": "pulumi",
    }
    return json.dumps(document, sort_keys=True)


def _here(plan: Plan) -> dict[str, Any]:
    """The stack's own MinIO, over the host's loopback, where it speaks plain HTTP."""
    return {
        "name": "here",
        "endpoint": f"http://127.0.0.1:{plan.data.minio_port}",
        "region": BACKUP_REGION,
        "bucket": names.BACKUP_BUCKET,
        "access_key": names.backup_user(plan.settings.rotation.backup),
        "secret_key": secret_marker("backup/storage", plan.settings.rotation.backup),
        "ca": None,
    }


def _second(plan: Plan) -> list[dict[str, Any]]:
    """The place outside; its keys have no character that JSON would have to quote (`codeb.model.backup_secrets`)."""
    second = plan.settings.backup.second
    if second is None:
        return []
    place = {
        "name": "second",
        "endpoint": second.endpoint,
        "region": second.region,
        "bucket": second.bucket,
        "access_key": secret_marker(SECOND_ACCESS),
        "secret_key": secret_marker(SECOND_SECRET),
        "ca": _SECOND_CA if second.ca else None,
        "lock_days": second.lock_days,
    }
    return [place]


def _authority(plan: Plan) -> tuple[HostFile, ...]:
    second = plan.settings.backup.second
    return (
        (HostFile(_SECOND_CA, second.ca.strip() + "\n", restarts=shipper(plan)),)
        if second and second.ca
        else ()
    )


def _saved(project: ProjectPlan) -> bool:
    return project.manifest.backup.enabled and bool(project.own_database or project.own_buckets)


def _project(project: ProjectPlan) -> dict[str, Any]:
    backup, own = project.manifest.backup, project.own_database
    return {
        "id": project.id,
        "database": own.name if own else None,
        "buckets": [bucket.name for bucket in project.own_buckets],
        "retention_days": backup.retention_days,
        "point_in_time": backup.point_in_time and own is not None,
    }


def _timer(project: ProjectPlan) -> HostFile:
    timer, schedule = names.backup_timer(project.id), project.manifest.backup.schedule
    service = names.BACKUP_SERVICE.replace("@", f"@{project.id}")
    text = render(
        "host/codeb-backup.timer",
        id=project.id,
        schedule=schedule,
        service=service,
        spread=schedule in _SPREAD,
    )
    return HostFile(f"{names.UNITS_DIR}/{timer}", text, restarts=(timer,))
