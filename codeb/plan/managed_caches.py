"""Caches at Vultr's managed Valkey: whose are there, which services that takes, and what there is to say.

Slots are handed out as ever: the service `valkey-0` stands in the place of `redis-0`, with the same indexes, so that nobody
gets another index by moving. A service is there as long as a cache is, or a release on a host may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from codeb import managed_names, names
from codeb.model import Settings
from codeb.plan.fleet import CacheServices
from codeb.plan.held import Holding
from codeb.plan.previous import Previous
from codeb.plan.problems import Problem
from codeb.plan.types import CachePlan, ProjectPlan

_NAMED = 3
_DOC = "docs/managed-data.md"


def cache_services(settings: Settings, projects: Iterable[ProjectPlan]) -> CacheServices | None:
    """The services that the projects' caches take; None where the settings have none."""
    wanted = settings.managed.valkey
    if wanted is None:
        return None
    return CacheServices(wanted.plan, wanted.version, tuple(sorted(_services(projects))))


def placed(
    settings: Settings, project_id: str, cache: CachePlan | None, rotation: int, held: Holding | None
) -> CachePlan | None:
    """The cache where the settings have it; `cache` is the one here, `rotation` the number of its password.

    At the service a password has a user of its own: the one before stays for what serves or stands by with it.
    """
    if cache is None or cache.slot is None or settings.managed.valkey is None:
        return cache
    numbers = tuple(number for number in (rotation, rotation - 1) if number)
    if _lives(settings, project_id) and not cache.dedicated:
        return replace(
            cache,
            host=managed_names.valkey_host(cache.slot.instance),
            user=managed_names.valkey_user(project_id, rotation),
            managed=True,
            users=numbers,
        )
    return replace(cache, users=numbers) if held and _in_use(held) else cache


def unmovable(settings: Settings, projects: Iterable[ProjectPlan]) -> Iterator[Problem]:
    """Projects that the settings name and whose cache is an instance of their own: what that is for, the service has not."""
    wanted = settings.managed.valkey
    for project in projects:
        if wanted and project.cache and project.cache.dedicated and project.id in wanted.projects:
            yield Problem(
                f"{project.id}: codeb:managed.valkey.projects",
                "its cache is an instance of its own (resources.cache.dedicated), with its own memory and eviction",
                f"Take dedicated out of its manifest, or {project.id} out of the setting ({_DOC}).",
            )


def service_notes(settings: Settings, projects: Iterable[ProjectPlan], previous: Previous) -> Iterator[str]:
    """Ids that are nobody's, services that stay though no cache is there, and services that go."""
    found = tuple(projects)
    cached = {project.id for project in found if project.cache}
    wanted = settings.managed.valkey
    if strange := [each for each in (wanted.named if wanted else ()) if each not in cached]:
        more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
        yield (
            f"codeb:managed.valkey names {', '.join(strange[:_NAMED])}{more}, and no manifest has a cache of that id."
        )
    yield from _staying(found)
    there = {held.slot.instance: held for held in previous.values() if held.slot and _known(held)}
    for number in sorted(there.keys() - _services(found)):
        standing = any(
            _in_use(held) for held in previous.values() if held.slot and held.slot.instance == number
        )
        rest = (
            "no release uses it"
            if not standing
            else "a release that stands by with it finds no cache any more"
        )
        yield f"{managed_names.valkey(number)} goes with what is in it: {rest}."


def _staying(projects: Iterable[ProjectPlan]) -> Iterator[str]:
    """Services that are there only because releases that could come back use them."""
    lets_in: dict[int, list[ProjectPlan]] = {}
    for project in projects:
        if project.cache and project.cache.service is not None:
            lets_in.setdefault(project.cache.service, []).append(project)
    for number, users in sorted(lets_in.items()):
        if not any(project.cache and project.cache.managed for project in users):
            who = ", ".join(project.id for project in users[:_NAMED]) + (", …" if len(users) > _NAMED else "")
            yield (
                f"{managed_names.valkey(number)} stays, and is charged, for a rollback of {who}. It goes with the first "
                "update after their next release, or once codeb:managed has no valkey any more."
            )


def _services(projects: Iterable[ProjectPlan]) -> set[int]:
    found = (project.cache.service for project in projects if project.cache)
    return {number for number in found if number is not None}


def _lives(settings: Settings, project_id: str) -> bool:
    wanted = settings.managed.valkey
    return wanted is not None and wanted.lives(project_id) and names.previewed(project_id) is None


def _known(held: Holding) -> bool:
    return held.cached_managed or held.cached_beside


def _in_use(held: Holding) -> bool:
    """Whether a release of it that can serve may use the service. Its hosts say which caches their releases use."""
    return _known(held) and (held.caches is None or any(map(_there, held.caches)))


def _there(place: str) -> bool:
    """Whether an agent calls this a cache with TLS: none of the data server's has it."""
    return place.startswith(managed_names.TLS)
