"""What the data server needs to bring databases to Vultr's managed PostgreSQL and back: where it is, its administrator."""

from __future__ import annotations

import json
from typing import Any

from codeb import managed_names, names
from codeb.plan import Plan
from codeb.render.bundle import HostBundle, HostFile

_POSTGRES_UID = 70


def managed_files(plan: Plan) -> HostBundle:
    """For the server with the role `data`; nothing on a stack without the service."""
    if plan.fleet is None or plan.fleet.postgres is None:
        return HostBundle()
    login = f"*:*:*:{managed_names.USER}:{managed_names.PASSWORD}\n"
    settings = json.dumps(managed_settings(plan), indent=1) + "\n"
    return HostBundle(
        files=(
            HostFile(managed_names.SETTINGS_FILE, settings, "0600"),
            HostFile(managed_names.LOGIN_FILE, login, "0600", f"{_POSTGRES_UID}:{_POSTGRES_UID}"),
        )
    )


def managed_settings(plan: Plan) -> dict[str, Any]:
    """What the agent's room `moving` reads, with markers. `trusted`: the service's certificate is known, so that it can be
    told from somebody else."""
    service = plan.fleet.postgres if plan.fleet else None
    return {
        "version": 1,
        "host": managed_names.HOST,
        "port": managed_names.PORT,
        "user": managed_names.USER,
        "database": managed_names.DATABASE,
        "trusted": bool(service and service.ca),
        "projects": [
            {
                "id": project.id,
                "database": project.database.name,
                "owner": project.database.role,
                "logins": [names.database_login(project.id, number) for number in project.database.logins],
            }
            for project in plan.projects
            if project.database and project.beside
        ],
    }


def authorities(plan: Plan) -> str:
    """Certificates beside the platform's own that apps and clients of PostgreSQL and Redis trust; "" for none."""
    wanted = plan.settings.managed
    given = [service.ca.strip() for service in (wanted.postgres, wanted.valkey) if service and service.ca]
    return "".join(f"{each}\n" for each in given)
