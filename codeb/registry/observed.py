"""What is known of an entry's release: from its answer, from the previous run, from its host just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from codeb.registry.entries import Entry

RUNNING: Final = frozenset({"running", "unhealthy", "maintenance"})
"""What `status` is while a release serves."""
_OBSERVED: Final = (
    "status", "created_at", "container_id", "health", "active", "digest", "image", "release", "maintenance", "serves",
    "caches",
)  # fmt: skip


def with_release(entry: Entry, answer: Mapping[str, Any], *others: Mapping[str, Any]) -> Entry:
    """The entry with what the first server answered to the release (`created_at`, colour, digest, container, health), and
    what that and the `others` warn of.

    Raises:
        ValueError: the answer is about another project.
    """
    if answer.get("project") != entry["id"]:
        raise ValueError(f"the answer for {entry['id']} is about {answer.get('project')!r}")
    health = answer.get("health") or {}
    return entry | {
        "status": _status(health.get("status"), entry.get("maintenance")),
        "created_at": answer.get("created_at"),
        "container_id": answer.get("container_id"),
        "health": {"status": health.get("status", "unknown"), "last_check": health.get("last_check")},
        "active": answer.get("active"),
        "digest": answer.get("digest"),
        "image": answer.get("image", entry.get("image")),
        "release": answer.get("release"),
        "serves": _serves(entry),
        "caches": answer.get("caches"),
        "warnings": warnings([answer, *others]),
    }


def warnings(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """What agents warn of in their answers, each warning once."""
    return list(dict.fromkeys(str(warning) for answer in answers for warning in answer.get("warnings") or ()))


def latest(entry: Entry, before: Mapping[str, Any] | None, live: Mapping[str, Any] | None) -> Entry:
    """The entry with what was seen of the project later than it says, where that is something else.

    Args:
        entry: with the answer to Pulumi's release command, or planned only.
        before: the project's entry of the previous run.
        live: what its host says now (`codeb.live`), None when it was not asked or did not answer.

    A live status that differs in its time alone changes nothing: a run that changes nothing shows no change.
    """
    remembered, seen = _remembered(before), _seen(live)
    if remembered and _checked(remembered) > _checked(entry):
        entry = entry | remembered
    if seen and _checked(seen) > _checked(entry) and _content(seen) != _content(entry):
        entry = entry | seen
    return entry


def _checked(entry: Mapping[str, Any]) -> str:
    """When the entry's health was last looked at, as text that sorts; "" for never."""
    return str((entry.get("health") or {}).get("last_check") or "")


def _remembered(before: Mapping[str, Any] | None) -> Entry | None:
    """The observed part of an entry of the previous run."""
    if before is None or before.get("status") not in RUNNING:
        return None
    found = {key: before[key] for key in _OBSERVED if key in before}
    if found.get("serves") is None:  # as earlier versions left it
        found["serves"] = _serves(before)
    return found


def _serves(entry: Mapping[str, Any]) -> Entry:
    """What a release serves that is as the entry says."""
    found = [name for name in (entry.get("domain"), *(entry.get("aliases") or ())) if name]
    login = (entry.get("database") or {}).get("login")
    said = {"names": found, "pool": entry.get("pool"), "ports": entry.get("ports")}
    return said | ({"login": login} if login else {})


def _seen(live: Mapping[str, Any] | None) -> Entry | None:
    """The observed part of an entry as a host's agent says it now."""
    if live is None or not live.get("release") or not live.get("checked_at"):
        return None
    return {
        "status": _status(live.get("status"), live.get("maintenance")),
        "created_at": live.get("created_at"),
        "container_id": live.get("container_id"),
        "health": {"status": live.get("status", "unknown"), "last_check": live["checked_at"]},
        "active": live.get("active"),
        "digest": live.get("digest"),
        "image": live.get("image"),
        "release": dict(live["release"]),
        "caches": live.get("caches"),
        "maintenance": bool(live.get("maintenance")),
    }


def _content(observed: Mapping[str, Any]) -> Entry:
    """All that a host says of an observation, but its time."""
    health = observed.get("health") or {}
    said = {key: observed.get(key) for key in _OBSERVED if key not in ("health", "serves")}
    return said | {"health": health.get("status")}


def _status(health: object, maintenance: object) -> str:
    if health != "healthy":
        return "unhealthy"
    return "maintenance" if maintenance else "running"


def carried(
    entries: Mapping[str, Entry], previous: object, live: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Entry]:
    """`entries` with the latest that is known of each project's release, from the previous registry and its host.

    A run registers this before it touches anything: if it fails half-way, what it allocated is remembered all
    the same, and so is what still runs.
    """
    before = entries_of(previous)
    return {
        key: entry if entry["status"] == "retained" else latest(entry, before.get(key), (live or {}).get(key))
        for key, entry in entries.items()
    }


_SAVED: Final[Mapping[str, type | tuple[type, ...]]] = {
    "last": (str, type(None)),
    "proven": (str, type(None)),
    "point_in_time_from": (str, type(None)),
    "size": (int, type(None)),
    "late": bool,
    "problem": str,
}


def with_backups(
    entries: Mapping[str, Entry], previous: object, saved: Mapping[str, object] | None = None
) -> dict[str, Entry]:
    """The entries with what the data server says of their backups (`saved`, by project); where it says nothing, with what
    the previous registry knew."""
    before = entries_of(previous)
    found = {}
    for key, entry in entries.items():
        known = _backup((saved or {}).get(key)) or before.get(key, {}).get("backup")
        found[key] = entry | {"backup": known} if known else entry
    return found


def _backup(said: object) -> Entry | None:
    """What a host said, where it has the shape that it should."""
    if not isinstance(said, Mapping):
        return None
    found = {key: said.get(key) for key in _SAVED}
    return found if all(isinstance(found[key], kind) for key, kind in _SAVED.items()) else None


def entries_of(
    registry: object, part: Literal["projects", "leaving"] = "projects"
) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a registry by project id; none before the first run."""
    found = registry.get(part, {}) if isinstance(registry, Mapping) else {}
    return found if isinstance(found, Mapping) else {}
