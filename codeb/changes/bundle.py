"""One line for a server whose bundle changes: which files, and whom a restart of a shared service concerns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from codeb import names
from codeb.changes.summary import UNNOTED, Digest, Summary
from codeb.plan import Plan, ProjectPlan

_FILE: Final = re.compile(
    r"(?P<digest>[0-9a-f]+)(?: restarts (?P<restarts>\S+))?(?: reloads (?P<reloads>\S+))?"
)
_SHARED: Final = re.compile(r"(postgres|minio|caddy|redis-[a-z0-9-]+)\.service")
_NAMED: Final = 6
"""Projects and files that are named one by one; of more, their number is told."""


def bundle_summary(document: Mapping[str, Any], digest: Digest) -> dict[str, str]:
    """Each file of a bundle, with a digest of it and what its change restarts or reloads."""
    return {file["path"]: _file(file, digest) for file in document["files"]}


def bundle_line(server: str, before: Summary, after: Summary, plan: Plan) -> str:
    """What changes on the server, and who notices it."""
    if not before:
        return f"{server}: {UNNOTED}. What users notice: can't be told; shared services may restart."
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    restarted = restarts(before, after)
    said = [_restart(unit, server, plan) for unit in restarted]
    said += [_reload(unit) for unit in reloads(before, after) if unit not in restarted]
    said += [f"{_unit(path)} stops" for path in changed if path not in after and _unit(path)]
    what = _listed(changed) or "its packages, folders or services"
    return f"{server}: {what}. What users notice: {'; '.join(filter(None, said)) or 'nothing'}."


def renewed_line(server: str, plan: Plan) -> str:
    """What users notice while a data server is made anew; nothing to say of others, whose successor comes first."""
    roles = plan.server(server).roles
    if "data" not in roles:
        return ""
    services = (names.POSTGRES, names.MINIO, *(redis.name for redis in plan.data.redis))
    users = _projects(each.id for each in plan.projects if any(_uses(each, one) for one in services))
    said = f"{users} without data until its services run again" if users else "nothing"
    if "edge" in roles:
        said = "no site answers until its services run again"
    return f"{server}: it is made anew. What users notice: {said}."


def _listed(paths: list[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more} more files" if more > 0 else "")


def restarts(before: Summary, after: Summary) -> list[str]:
    """Units that the agent restarts, as a changed file names them."""
    return _units("restarts", before, after)


def reloads(before: Summary, after: Summary) -> list[str]:
    """Units that the agent reloads."""
    return _units("reloads", before, after)


def _file(file: Mapping[str, Any], digest: Digest) -> str:
    text = digest.of(file["path"], json.dumps([file["content"], file["mode"], file["owner"]]))
    for kind in ("restarts", "reloads"):
        text += f" {kind} {','.join(file[kind])}" if file[kind] else ""
    return text


def _units(kind: str, before: Summary, after: Summary) -> list[str]:
    found: dict[str, None] = {}
    for path, text in after.items():
        match = _FILE.fullmatch(text)
        if match and before.get(path) != text and match[kind]:
            found |= dict.fromkeys(match[kind].split(","))
    return sorted(found)


def _restart(unit: str, server: str, plan: Plan) -> str:
    if not _SHARED.fullmatch(unit):
        return ""
    service = unit.removesuffix(".service")
    if service == names.CADDY:
        return f"restart of caddy: no site answers through {server} for some seconds"
    users = _projects(project.id for project in plan.projects if _uses(project, service))
    if not users:
        return f"restart of {service}, which no project uses"
    own = any(redis.owner for redis in plan.data.redis if redis.name == service)
    return f"restart of {service}, {'its own' if own else 'shared'}: {users} without it for some seconds"


def _uses(project: ProjectPlan, service: str) -> bool:
    if service == names.POSTGRES:
        return project.database is not None
    if service == names.MINIO:
        return bool(project.own_buckets)
    return project.cache is not None and project.cache.name == service


def _projects(ids: Iterable[str]) -> str:
    found = sorted(ids)
    if not found:
        return ""
    if len(found) == 1:
        return f"{found[0]} is"
    return f"{', '.join(found)} are" if len(found) <= _NAMED else f"{len(found)} projects are"


def _reload(unit: str) -> str:
    return "Caddy reloads after a drain, which fails no request" if unit == f"{names.CADDY}.service" else ""


def _unit(path: str) -> str:
    """The service of a unit file that goes."""
    name = path.rpartition("/")[2]
    return name.removesuffix(".container") if name.endswith(".container") else ""
