"""Who administers the data services, as the agent is told it: it gives them another password while they run.

PostgreSQL and Redis read what a bundle's files say at their first start alone, and MinIO can't do without a restart then.
"""

from __future__ import annotations

from typing import Any

from codeb import names
from codeb.plan import Plan, monitored
from codeb.render.text import secret_marker


def admins_document(plan: Plan) -> dict[str, Any]:
    """The part `admins` of a data server's bundle, and the document of `codeb-agent settle`; with secret markers."""
    numbers = plan.settings.rotation
    return {
        "numbers": numbers.model_dump(),
        "postgres": secret_marker("postgres/admin", numbers.postgres),
        "redis": [
            {
                "name": redis.name,
                "port": redis.port,
                "passwords": _downwards(redis.admin_purpose, numbers.redis),
            }
            for redis in plan.data.redis
        ],
        "minio": {"logins": _minio_logins(numbers.minio), "accounts": _accounts(numbers.backup)},
        # A stack that nothing watches says nothing of it: its document is as it was before there was monitoring.
        **({"metrics": _metrics()} if monitored.monitoring_server(plan) else {}),
    }


def _metrics() -> dict[str, str]:
    """Passwords of the accounts by which exporters ask for figures; MinIO's is a resource of the stack."""
    return {kind: secret_marker(f"monitoring/{kind}") for kind in ("postgres", "redis")}


def rotated(plan: Plan) -> bool:
    """Whether anything was rotated, so that earlier keys may be there to be taken away."""
    return any(number > 1 for number in plan.settings.rotation.model_dump().values())


def _downwards(purpose: str, number: int) -> list[str]:
    """The password that is to be, then those that may be: nobody knows how far an earlier run came."""
    return [secret_marker(purpose, each) for each in range(number, 0, -1)]


def _minio_logins(number: int) -> list[dict[str, str]]:
    """The administrator to be, then those before; last the root user, who has the password of his last start."""
    passwords = _downwards("minio/admin", number)
    later = zip(range(number, 1, -1), passwords, strict=False)
    logins = [{"user": names.minio_admin(each), "password": password} for each, password in later]
    return logins + [{"user": names.MINIO_ADMIN, "password": password} for password in passwords]


def _accounts(number: int) -> list[dict[str, str]]:
    """Those that are to be there before a file of the bundle has their keys; the stack's own resources make the first."""
    if number == 1:
        return []
    secret = secret_marker("backup/storage", number)
    return [{"user": names.backup_user(number), "password": secret, "policy": names.BACKUP_USER}]
