"""Which projects have their buckets at Vultr's Object Storage, which have some there beside those on the data server.

Buckets on the data server are always there, so that what is at Vultr can come back. A project goes to the other side once
the data server has said that its objects were copied there, and the plan says what that means. What can't be kept there, a
limit of a bucket or a last backup, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from codeb import managed_names, names
from codeb.model import Settings
from codeb.model.settings import ManagedObjects
from codeb.plan.fleet import Fleet, ObjectService
from codeb.plan.held import HeldObjects, Holding
from codeb.plan.problems import Problem
from codeb.plan.types import ObjectsPlan, ProjectPlan, RetainedPlan
from codeb.plan.values import BucketPlan, Side

_NAMED = 3
_LONGEST_NAME = 63
_DOC = "docs/managed-objects.md"
_KEY = "codeb:managed.objects"


def objects_of(settings: Settings, project_id: str, buckets: tuple[BucketPlan, ...]) -> ObjectsPlan | None:
    """The subscription of a project that runs; None for one without, and for preview environments."""
    wanted = settings.managed.objects
    if wanted is None or not buckets or not wanted.has(project_id) or names.previewed(project_id):
        return None
    host = managed_names.objects_host(project_id)
    return ObjectsPlan(wanted.lives(project_id), host, wanted.cluster, wanted.tier)


def retained_objects(settings: Settings, held: Holding) -> ObjectsPlan | None:
    """The same of buckets that no manifest asks for any more: they stay where they are."""
    wanted = settings.managed.objects
    if wanted is None or held.objects is None or not wanted.has(held.id):
        return None
    return ObjectsPlan(held.objects.managed, managed_names.objects_host(held.id), wanted.cluster, wanted.tier)


def with_objects(
    fleet: Fleet | None, settings: Settings, items: Iterable[ProjectPlan | RetainedPlan]
) -> Fleet | None:
    """The fleet with the subscriptions of these."""
    wanted = settings.managed.objects
    if fleet is None or wanted is None:
        return fleet
    ids = sorted({item.id for item in items if item.objects and item.buckets})
    return replace(fleet, objects=tuple(ObjectService(key, wanted.cluster, wanted.tier) for key in ids))


def objects_problems(
    settings: Settings, projects: Iterable[ProjectPlan], previous: Mapping[str, Holding]
) -> Iterator[Problem]:
    """Everything that would leave objects behind, or that can't be kept at Vultr."""
    running = {project.id: project for project in projects}
    for project in running.values():
        yield from _unkept(project)
        held = previous.get(project.id)
        if held is not None and held.buckets and project.buckets:
            yield from _left_behind(settings, project, held)
    wanted = settings.managed.objects
    for held in previous.values():
        if held.objects is None:
            continue
        named = wanted is not None and wanted.has(held.id)
        asked = held.id in running and running[held.id].buckets
        if held.objects.managed and not asked and held.stays and not named:
            yield _elsewhere(
                held.id, f"Write {held.id} in {_KEY}.projects: it all goes with the subscription"
            )
        if wanted is not None and named:
            yield from _made_otherwise(wanted, held.id, held.objects)


def objects_notes(
    settings: Settings, projects: Iterable[ProjectPlan], previous: Mapping[str, Holding]
) -> Iterator[str]:
    """What there is to say: ids that are nobody's, who changes sides, whose objects no backup has."""
    wanted = settings.managed.objects
    if wanted is None:
        return
    there = {project.id: project for project in projects if project.objects}
    held = {key for key, each in previous.items() if each.objects}
    if strange := [each for each in wanted.named if each not in there and each not in held]:
        yield f"{_KEY} names {_listed(strange)}, and no manifest has a bucket of that id."
    for key, project in there.items():
        used = project.objects is not None and project.objects.used
        before = previous[key].objects if key in previous else None
        if before is not None and used != before.managed:
            where = "at Vultr's Object Storage" if used else "on the data server"
            yield (
                f"{key} has its buckets {where} from this update on: its app finds there what was copied "
                f"({_DOC}), and nothing else."
            )
    unsaved = sorted(
        key
        for key, each in there.items()
        if each.manifest.backup.enabled and each.objects and each.objects.used
    )
    if unsaved:
        yield (
            f"the buckets of {_listed(unsaved)} are at Vultr's Object Storage: no backup has them. What is overwritten or "
            "deleted stays as a version, as long as `backup.retention_days` says."
        )


def _unkept(project: ProjectPlan) -> Iterator[Problem]:
    """What a manifest asks for that there is no such thing of at Vultr."""
    if project.objects is None:
        return
    for index, bucket in enumerate(project.buckets):
        at = f"{project.id}: resources.storage.buckets[{index}]"
        if bucket.quota is not None:
            cause = "a bucket at Vultr's Object Storage has no limit"
            yield Problem(f"{at}.quota", cause, f"Remove it, or {project.id} from {_KEY} ({_DOC}).")
        longest = _LONGEST_NAME - managed_names.MARK_LENGTH - 1
        if len(bucket.name) > longest:
            cause = f"leads to the bucket {bucket.name} of more than {longest} characters, before which comes a mark"
            yield Problem(f"{at}.suffix", cause, f"Choose a shorter one, or remove {project.id} from {_KEY}.")
    if project.objects.used and project.dropped:
        yield Problem(
            f"{project.id}: project.lifecycle",
            "destroy makes a final backup on the data server, and the buckets are at Vultr's Object Storage",
            f"Bring the objects back first ({_DOC}), and write {project.id} in {_KEY}.prepared.",
        )


def _left_behind(settings: Settings, project: ProjectPlan, held: Holding) -> Iterator[Problem]:
    """A change of sides without that there was anything to copy to."""
    used = project.objects is not None and project.objects.used
    if used and held.objects is None:
        remedy = f"Write {project.id} in prepared first, deploy, copy the objects, then write it in projects ({_DOC})."
        yield Problem(f"{project.id}: {_KEY}.projects", "its objects are on the data server", remedy)
    elif held.objects and held.objects.managed and project.objects is None:
        yield _elsewhere(
            project.id, f"Copy the objects back, then write {project.id} in {_KEY}.prepared and deploy"
        )
    elif held.objects and used != held.objects.managed:
        to: Side = "managed" if used else "here"
        if held.objects.copied != to:
            cause = (
                "no copy of its objects to that side has come to its end, as far as the data server has told"
            )
            remedy = f"Run `codeb copy-objects {project.id} --to {to}` first ({_DOC}); or set it back."
            yield Problem(f"{project.id}: {_KEY}.projects", cause, remedy)


def _made_otherwise(wanted: ManagedObjects, project_id: str, held: HeldObjects) -> Iterator[Problem]:
    """An edit for which Vultr would make another subscription, an empty one."""
    for name, now, made in (("cluster", wanted.cluster, held.cluster), ("tier", wanted.tier, held.tier)):
        if now != made:
            yield Problem(
                f"{_KEY}.{name}",
                f"the subscription of {project_id} was made with {made}, and can't be changed",
                f"Write {made}; or bring all projects back first, and take them out of the settings ({_DOC}).",
            )


def _elsewhere(project_id: str, remedy: str) -> Problem:
    cause = "its objects are at Vultr's Object Storage"
    return Problem(f"{project_id}: {_KEY}.projects", cause, f"{remedy} ({_DOC}).")


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{', '.join(ids[:_NAMED])}{more}"
