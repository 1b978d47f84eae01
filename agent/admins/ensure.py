"""All administrators of a data server: the new passwords before a bundle's files have them, and again once all runs."""

from __future__ import annotations

import json
from typing import Any, Final

from agent.admins import figures, minio, postgres, redis
from agent.admins.document import Admins
from agent.documents.errors import Failed
from agent.host import paths, units
from agent.host.ports import Ports

KEPT: Final = f"{paths.STATE}/admins.json"
"""The highest number of each kind that this host has had; nothing secret."""
_PATIENCE_S: Final = 30
_PAUSE_S: Final = 1


def refuse_lower(ports: Ports, admins: Admins) -> None:
    """A number that was higher before is refused: its key is let in no more. Raises Failed."""
    for kind, number in admins.numbers.items():
        before = _numbers(ports).get(kind, 1)
        if number < before:
            raise Failed(
                "admins",
                f"codeb:rotation: {kind} is {number}, and this server has had {before}: numbers only go up",
                f"write {kind}: {before}, or {before + 1} for another key",
            )


def prepare(ports: Ports, admins: Admins) -> None:
    """Have new passwords taken before anything has them, by what runs.

    What can't do it now (it is about to be repaired by this very bundle, perhaps) is asked again by `ensure`.
    """
    refuse_lower(ports, admins)
    for unit in _services(admins):
        if units.state(ports, unit).running:
            try:
                _ensure(ports, admins, unit)
            except Failed as error:
                ports.journal.log(f"apply: not yet: {error.failure.cause}")


def ensure(ports: Ports, admins: Admins) -> list[str]:
    """The same of all that has to run, and nothing is let pass; what was changed. Raises Failed."""
    changed = [each for unit in _services(admins) for each in _insisted(ports, admins, unit)]
    before = _kept(ports).get("metrics") is True
    # First: accounts of a run that ends half-way are there, and have to go when nobody asks for them any more.
    _keep(ports, admins, metrics=before or bool(admins.metrics))
    changed += figures.ensure(ports, admins, before=before)
    _keep(ports, admins, metrics=bool(admins.metrics))
    return changed


def _keep(ports: Ports, admins: Admins, *, metrics: bool) -> None:
    watched = {"metrics": True} if metrics else {}
    text = json.dumps({"version": 1, "numbers": admins.numbers, **watched}, sort_keys=True)
    ports.files.write(KEPT, f"{text}\n".encode(), 0o600)


def _services(admins: Admins) -> list[str]:
    found = [postgres.SERVICE, *(f"{each.name}.service" for each in admins.redis)]
    return found + ([minio.SERVICE] if minio.concerned(admins) else [])


def _insisted(ports: Ports, admins: Admins, unit: str) -> list[str]:
    """A service may call itself well a moment before it lets anybody in: PostgreSQL restarts when it is new, MinIO loads."""
    end = ports.clock.monotonic() + _PATIENCE_S
    while True:
        try:
            return _ensure(ports, admins, unit)
        except Failed:
            if ports.clock.monotonic() >= end:
                raise
            ports.clock.sleep(_PAUSE_S)


def _ensure(ports: Ports, admins: Admins, unit: str) -> list[str]:
    if unit == postgres.SERVICE:
        return ["password:postgres"] if postgres.ensure(ports, admins.postgres) else []
    if unit == minio.SERVICE:
        return [f"user:{name}" for name in minio.ensure(ports, admins)]
    instance = next(each for each in admins.redis if f"{each.name}.service" == unit)
    return [f"password:{instance.name}"] if redis.ensure(ports, instance) else []


def _numbers(ports: Ports) -> dict[str, int]:
    """What is remembered; nothing of a file that isn't there, or says something else."""
    try:
        return {str(kind): int(number) for kind, number in _kept(ports).get("numbers", {}).items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _kept(ports: Ports) -> dict[str, Any]:
    try:
        found = json.loads(ports.files.read(KEPT) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
