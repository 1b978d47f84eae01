"""Continuous archiving of PostgreSQL on the data server: who takes WAL over, who ships it, and when base backups are taken.

Nothing of it is there unless a project wants to be restored to a moment (`backup.point_in_time`).
"""

from __future__ import annotations

import json
from typing import Final

from codeb import names
from codeb.plan import Plan, ProjectPlan
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import render, secret_marker

_SEGMENT: Final = 16 << 20
_LOOPBACK: Final = "127.0.0.1"
_SHIP: Final = "codeb-ship"
_DOCUMENT: Final = f"{names.CONFIG_DIR}/archive.json"
_RECEIVE: Final = f"{names.ARCHIVE_DIR}/receive"
_PASSWORDS: Final = f"{names.SECRETS_DIR}/postgres-archive"


def wanted(plan: Plan) -> bool:
    """Whether a project of the stack can be restored to a moment."""
    return any(map(_archived, plan.projects))


def _archived(project: ProjectPlan) -> bool:
    return project.manifest.backup.point_in_time and project.own_database is not None


def shipper(plan: Plan) -> tuple[str, ...]:
    """The unit that reads the stores' settings as it starts, if there is one."""
    return (f"{_SHIP}.service",) if wanted(plan) else ()


def on_disk(plan: Plan) -> tuple[str, ...]:
    """Services (without extension) whose files are below the data folder."""
    return (names.WAL_RECEIVER, _SHIP) if wanted(plan) else ()


def archive_files(plan: Plan, uid: int) -> HostBundle:
    """Units, document and password file; `uid` is the user that PostgreSQL's image runs as."""
    if not wanted(plan):
        return HostBundle()
    owner = f"{uid}:{uid}"
    ship, timer = f"{_SHIP}.service", "codeb-base.timer"
    unit = render(
        "archive/codeb-wal.container",
        name=names.WAL_RECEIVER,
        image=plan.settings.images.postgres,
        pull=plan.settings.image_pull,
        uid=uid,
        spool=_RECEIVE,
        passwords=_PASSWORDS,
        ca_file=names.CA_FILE,
        role=names.POSTGRES_ARCHIVE,
        host=_LOOPBACK,
        port=plan.data.postgres_port,
        segment=_SEGMENT,
    )
    password = secret_marker("postgres/archive", plan.settings.rotation.archive)
    login = f"*:*:*:{names.POSTGRES_ARCHIVE}:{password}\n"
    return HostBundle(
        directories=(Directory(names.ARCHIVE_DIR, "0700", owner), Directory(_RECEIVE, "0700", owner)),
        files=(
            HostFile(f"{names.QUADLET_DIR}/{names.WAL_RECEIVER}.container", unit, restarts=(ship,)),
            HostFile(_PASSWORDS, login, "0600", owner, restarts=(ship,)),
            HostFile(_DOCUMENT, _document(plan), restarts=(ship,)),
            HostFile(f"{names.UNITS_DIR}/{ship}", _with_document(ship), restarts=(ship,)),
            HostFile(f"{names.UNITS_DIR}/codeb-base.service", _with_document("codeb-base.service")),
            HostFile(f"{names.UNITS_DIR}/{timer}", render(f"archive/{timer}"), restarts=(timer,)),
        ),
        services=(Service(ship), Service(timer)),
    )


def _with_document(unit: str) -> str:
    return render(f"archive/{unit}", document=_DOCUMENT)


def _document(plan: Plan) -> str:
    """What the agent's verbs `ship` and `base` read."""
    days = [each.manifest.backup.retention_days for each in plan.projects if _archived(each)]
    document = {
        "version": 1,
        "spool_gib": plan.settings.backup.spool,
        "retention_days": max(days),
    }
    return json.dumps(document, indent=1) + "\n"
