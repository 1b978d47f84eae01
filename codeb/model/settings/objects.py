"""`codeb:managed.objects`: subscriptions of Vultr's Object Storage in place of MinIO, one for each project that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from codeb.catalogue import catalogue
from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import Number, Setting
from codeb.model.settings.managed_parts import known_offer

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings

_MOST_PROJECTS: Final = 200
_LAST_CLUSTER: Final = 9999


def _tier(text: str) -> str:
    return known_offer(catalogue().managed_objects, text, "tier", "of Object Storage")


def _not_all(value: object) -> object:
    if value == "all":
        raise refusal(
            "all is not to be had: each project has a subscription of its own, which is paid for every month",
            "Write down the projects' ids.",
        )
    return value


Projects = Annotated[
    tuple[t.ProjectId, ...],
    Field(strict=False, max_length=_MOST_PROJECTS),
    BeforeValidator(_not_all),
]
"""Ids of projects."""


class ManagedObjects(Setting):
    """Vultr's Object Storage. A subscription has one pair of keys, so each project has one of its own."""

    cluster: Annotated[Number, Field(ge=1, le=_LAST_CLUSTER)]
    """Where: the cluster's number at Vultr (`GET /v2/object-storage/clusters`), for example 2."""
    tier: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_tier)] = "standard"
    """How fast and how dear: `standard`, for example."""
    projects: Projects = ()
    """Whose apps have their buckets there."""
    prepared: Projects = ()
    """Who has buckets there beside those here, which serve: what objects are copied to."""

    def lives(self, project_id: str) -> bool:
        """Whether this project's app has its buckets there."""
        return project_id in self.projects

    def has(self, project_id: str) -> bool:
        """Whether this project has a subscription at all."""
        return project_id in self.projects or project_id in self.prepared

    @property
    def named(self) -> tuple[str, ...]:
        """Every id that the settings write down, in order."""
        return tuple(sorted({*self.projects, *self.prepared}))


def refuse_objects(settings: Settings) -> None:
    """Raise the refusal of subscriptions that nobody makes, or of a project on two sides."""
    objects = settings.managed.objects
    if objects is None:
        return
    at = ("managed", "objects")
    if not settings.vultr_pools:
        cause = "subscriptions are made with servers at Vultr, and the stack makes none"
        raise refusal(cause, "Remove it, or give a pool provider: vultr (docs/managed-objects.md).", at=at)
    both = [each for each in objects.projects if each in objects.prepared]
    if both:
        remedy = "Remove it from one of the two: projects for who lives there, prepared for who does not yet."
        raise refusal(f"{shown(both[0])} is in projects, too", remedy, at=(*at, "prepared"))
