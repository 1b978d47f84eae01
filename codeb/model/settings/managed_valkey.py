"""`codeb:managed.valkey`: caches at Vultr's managed Valkey instead of the data server's shared Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from codeb.catalogue import catalogue
from codeb.model.problems import refusal
from codeb.model.settings.base import Optional, Setting
from codeb.model.settings.certificates import Certificates
from codeb.model.settings.managed_parts import ALL, Projects, Text, known_plan, known_version

if TYPE_CHECKING:
    from codeb.model.settings.whole import Settings


def _plan(text: str) -> str:
    return known_plan(catalogue().managed_valkey, "Valkey", text)


def _version(text: str) -> str:
    return known_version(
        catalogue().managed_valkey, "Valkey", text, "; one that runs is raised in Vultr's console first"
    )


class ManagedValkey(Setting):
    """Services of Valkey that Vultr runs, in the stack's private network: one in the place of each shared Redis instance."""

    plan: Annotated[Text, AfterValidator(_plan)]
    """Vultr's plan of each of them, for example vultr-dbaas-business-rp-intel-1-12-2."""
    version: Annotated[str, Field(max_length=10), AfterValidator(_version)] = "8.1"
    """The version: 7, 8.1 or 9.0."""
    projects: Projects = ()
    """Whose cache is there; all leaves out who has an instance of its own, and preview environments."""
    ca: Optional[Certificates] = None
    """Certificates (PEM) that the services are trusted by, where no public authority vouches for them."""

    def lives(self, project_id: str) -> bool:
        """Whether this project's cache is there, as far as the settings tell."""
        return ALL in self.projects or project_id in self.projects

    @property
    def named(self) -> tuple[str, ...]:
        """Every id that the settings write down, in order."""
        return tuple(sorted(set(self.projects) - {ALL}))


def refuse_managed_valkey(settings: Settings) -> None:
    """Raise the refusal of services that nobody could reach."""
    if settings.managed.valkey is None or settings.vultr_pools:
        return
    cause = "the service is in the private network of servers at Vultr, and the stack makes none"
    remedy = "Remove it, or give a pool provider: vultr (docs/managed-data.md)."
    raise refusal(cause, remedy, at=("managed", "valkey"))
