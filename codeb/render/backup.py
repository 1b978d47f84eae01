"""What the data server needs to back projects up: the agent's settings and key, PostgreSQL's login, a timer a project."""

from __future__ import annotations

import json
from typing import Any, Final

from codeb import names
from codeb.plan import Plan, ProjectPlan
from codeb.render.bundle import HostBundle, HostFile, Service
from codeb.render.text import public_marker, render, secret_marker

BACKUP_REGION: Final = "us-east-1"
"""What MinIO says of itself when nobody tells it a region."""
WAIT_S: Final = 6 * 3600
"""How long a timer's backup waits for its turn (agent.backup.due.LATE_S is longer)."""
_UNITS: Final = "/etc/systemd/system"
_POSTGRES_UID: Final = 70
_SPREAD: Final = frozenset({"daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"})
"""Schedules that name no moment: those of many projects are spread over an hour."""


def backup_files(plan: Plan) -> HostBundle:
    """For the server with the role `data`, which has all databases and buckets."""
    owner = f"{_POSTGRES_UID}:{_POSTGRES_UID}"
    login = f"*:*:*:{names.POSTGRES_ADMIN}:{secret_marker('postgres/admin')}\n"
    settings = json.dumps(backup_settings(plan), indent=1) + "\n"
    timed = [project for project in plan.projects if _saved(project) and project.database]
    timers = [names.backup_timer(project.id) for project in timed] + ([names.PROVE_TIMER] if timed else [])
    return HostBundle(
        packages=("age", "zstd"),
        files=(
            HostFile(f"{names.SECRETS_DIR}/backup.json", settings, "0600"),
            HostFile(f"{names.SECRETS_DIR}/backup.key", secret_marker("backup/key") + "\n", "0600"),
            HostFile(f"{names.SECRETS_DIR}/backup.pgpass", login, "0600", owner),
            HostFile(f"{_UNITS}/{names.BACKUP_SERVICE}", render("host/codeb-backup.service", wait_s=WAIT_S)),
            *(_timer(project) for project in timed),
            *(_proofs() if timed else ()),
        ),
        services=tuple(Service(timer) for timer in timers),
    )


def _proofs() -> tuple[HostFile, ...]:
    """What restores newest backups at night, into a PostgreSQL that is thrown away."""
    service, timer = names.PROVE_SERVICE, names.PROVE_TIMER
    return (
        HostFile(f"{_UNITS}/{service}", render(f"host/{service}", wait_s=WAIT_S)),
        HostFile(f"{_UNITS}/{timer}", render(f"host/{timer}"), restarts=(timer,)),
    )


def backup_settings(plan: Plan) -> dict[str, Any]:
    """What the agent's room `store` reads, with secret markers."""
    return {
        "version": 1,
        "stores": [_here(plan)],
        "recipient": public_marker("backup/key"),
        "projects": [_project(project) for project in plan.projects if _saved(project)],
        "image": plan.settings.images.postgres,
        "container": names.POSTGRES,
        "host": "127.0.0.1",
        "port": plan.data.postgres_port,
    }


def final_document(project: ProjectPlan) -> str:
    """What the agent is told of the last backup of a database, before that is dropped with its project."""
    if project.database is None:
        return ""
    document = {
        "version": 1,
        "project": project.id,
        "database": project.database.name,
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
        "access_key": names.BACKUP_USER,
        "secret_key": secret_marker("backup/storage"),
        "ca": None,
    }


def _saved(project: ProjectPlan) -> bool:
    return project.manifest.backup.enabled and bool(project.database or project.buckets)


def _project(project: ProjectPlan) -> dict[str, Any]:
    backup = project.manifest.backup
    return {
        "id": project.id,
        "database": project.database.name if project.database else None,
        "buckets": [bucket.name for bucket in project.buckets],
        "retention_days": backup.retention_days,
        "point_in_time": backup.point_in_time,
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
    return HostFile(f"{_UNITS}/{timer}", text, restarts=(timer,))
