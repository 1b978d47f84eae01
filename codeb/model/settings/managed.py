"""`codeb:managed`: services that Vultr runs instead of the data server, and which projects are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from codeb.catalogue import catalogue
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import OffWhenEmpty, Optional, Setting
from codeb.model.settings.certificates import Certificates
from codeb.model.settings.managed_parts import ALL, Projects, Text, known_plan, known_version
from codeb.model.settings.managed_valkey import ManagedValkey, refuse_managed_valkey
from codeb.model.settings.objects import ManagedObjects

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings


def _plan(text: str) -> str:
    return known_plan(catalogue().managed_postgres, "PostgreSQL", text)


def _version(text: str) -> str:
    why = ": the same as codeb:images.postgres has, or nothing can be moved"
    return known_version(catalogue().managed_postgres, "PostgreSQL", text, why)


class ManagedPostgres(Setting):
    """A PostgreSQL that Vultr runs, in the stack's private network."""

    plan: Annotated[Text, AfterValidator(_plan)]
    """Vultr's plan, for example vultr-dbaas-business-cc-2-80-4."""
    version: Annotated[str, Field(max_length=10), AfterValidator(_version)] = "16"
    """The major version; what is moved needs the same on both sides."""
    projects: Projects = ()
    """Who lives there. `codeb move-data` brings data there and back, and edits this."""
    prepared: Projects = ()
    """Who has a database there beside the one here, which serves: what `codeb move-data` fills."""
    ca: Optional[Certificates] = None
    """The certificate (PEM) that the service is trusted by: Vultr's console has it, once the service is there."""

    def lives(self, project_id: str) -> bool:
        """Whether this project's database is there."""
        return ALL in self.projects or project_id in self.projects

    def has(self, project_id: str) -> bool:
        """Whether this project has a database there at all."""
        return self.lives(project_id) or ALL in self.prepared or project_id in self.prepared

    @property
    def named(self) -> tuple[str, ...]:
        """Every id that the settings write down, in order."""
        return tuple(sorted({*self.projects, *self.prepared} - {ALL}))


class Managed(Setting):
    """Vultr's managed services that the stack has."""

    postgres: OffWhenEmpty[ManagedPostgres] = None
    """PostgreSQL; none when left out."""
    valkey: OffWhenEmpty[ManagedValkey] = None
    """What Redis is for, by Valkey; none when left out."""
    objects: OffWhenEmpty[ManagedObjects] = None
    """Object Storage; none when left out."""

    @property
    def has_data(self) -> bool:
        """Whether the data server has something to say of what was brought to a service."""
        return self.postgres is not None or self.objects is not None


def refuse_managed(settings: Settings) -> None:
    """Raise the refusal of a service that nobody could reach, or not safely."""
    refuse_managed_valkey(settings)
    postgres = settings.managed.postgres
    if postgres is None:
        return
    at = ("managed", "postgres")
    if not settings.vultr_pools:
        cause = "the service is in the private network of servers at Vultr, and the stack makes none"
        raise refusal(cause, "Remove it, or give a pool provider: vultr (docs/managed-data.md).", at=at)
    if postgres.projects and postgres.ca is None:
        remedy = (
            "Deploy with projects: [] first; then download the service's certificate in Vultr's console and write it here "
            "(docs/managed-data.md)."
        )
        raise refusal("is missing: apps would not know whom they give their password", remedy, at=(*at, "ca"))
    both = [each for each in postgres.projects if each in postgres.prepared and each != ALL]
    if both:
        remedy = "Remove it from one of the two: projects for who lives there, prepared for who does not yet."
        raise refusal(f"{shown(both[0])} is in projects, too", remedy, at=(*at, "prepared"))
